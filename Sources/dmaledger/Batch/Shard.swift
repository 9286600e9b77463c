import ArgumentParser
import DMALedger

/// One of N parts of a run, `K/N` with K from 0: which captures are in it depends on their names alone, so that a
/// capture that comes or goes moves no other.
struct Shard: ExpressibleByArgument {
  let index: UInt64
  let count: UInt64

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = UInt64(parts[0]), let count = UInt64(parts[1]), index < count else {
      return nil
    }
    self.index = index
    self.count = count
  }

  /// By the low half of XXH3-128 of the name.
  func contains(_ name: String) -> Bool {
    var hash = ContentHash()
    let bytes = Array(name.utf8)
    // Safe: The bytes are borrowed for the call.
    unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
    return hash.value.low % count == index
  }
}
