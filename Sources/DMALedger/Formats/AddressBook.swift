/// Functions by address, for text that prints probes without symbols.
///
/// `trace-cmd report` and `perf script` print `(ffffffff812a6a92)` where the kernel prints
/// `(iommu_device_use_default_domain+0x0/0x8c)`. The symbol is learned from a stack trace below the event, from
/// the function tracer's line of the same task right before it, from the event's name where that holds the
/// symbol, and only then guessed from the usual names of such probes.
package struct AddressBook: Sendable {
  private var functions: [UInt64: KernelFunction] = [:]
  /// Addresses whose probes were waited for in vain.
  private var strangers: Set<UInt64> = []
  /// Names given with `--probe NAME=FUNCTION`.
  package var declared: [(name: [UInt8], function: KernelFunction)] = []
  /// Whether a guess by name was needed: the report says so.
  package private(set) var hasGuessed = false

  package init() {}

  /// The function at an address, where a line has told.
  func function(at address: UInt64) -> KernelFunction? { functions[address] }

  /// Whether nothing is to be waited for: nobody has named the address, and it was waited long enough.
  func isStranger(_ address: UInt64) -> Bool { strangers.contains(address) && functions[address] == nil }

  /// No line has named the address in time.
  mutating func giveUp(_ address: UInt64) {
    if strangers.count < 4096 { strangers.insert(address) }
  }

  mutating func learn(_ address: UInt64, _ function: KernelFunction) {
    if functions.count < 4096 || functions[address] != nil { functions[address] = function }
  }

  /// The function behind an address, or behind the name of the event that printed it.
  mutating func function(
    at address: UInt64, event name: Span<UInt8>, after neighbour: KernelFunction?
  ) -> KernelFunction? {
    if let declared = declaredFunction(name) { return declared }
    if let known = functions[address] { return known }
    if let symbol = Self.symbol(inside: name) {
      learn(address, symbol)
      return symbol
    }
    if let guess = Self.guess(name) {
      // Two different functions never share an address, so agreement with the neighbour is as good as a symbol.
      if guess == neighbour { learn(address, guess) } else { hasGuessed = true }
      return guess
    }
    if let neighbour { learn(address, neighbour) }
    return neighbour
  }

  func declaredFunction(_ name: Span<UInt8>) -> KernelFunction? {
    for entry in declared where entry.name.span.equals(name) { return entry.function }
    return nil
  }

  /// The kernel's names of events have 63 bytes at most (`MAX_EVENT_NAME_LEN`). A search in one without end would take the
  /// square of its length.
  private static let longestName = 128

  /// Automatic names hold the symbol: `p_really_probe_0`, `really_probe__return`, `iommu_group_…__exit`.
  private static func symbol(inside name: Span<UInt8>) -> KernelFunction? {
    guard name.count <= longestName else { return nil }
    for start in 0..<name.count where start == 0 || name[start - 1] == 0x5F {
      var end = name.count
      while end > start + 10 {
        if let function = KernelFunction.named(name.extracting(start..<end)) { return function }
        end -= 1
        while end > start, name[end] != 0x5F { end -= 1 }
      }
    }
    return nil
  }

  /// The usual names of hand-made probes, word by word.
  private static func guess(_ name: Span<UInt8>) -> KernelFunction? {
    var start = 0
    while start < name.count {
      var end = start
      while end < name.count, name[end] != 0x5F { end += 1 }
      let word = name.extracting(start..<end)
      if let function = function(byWord: word) { return function }
      start = end + 1
    }
    return nil
  }

  private static func function(byWord word: Span<UInt8>) -> KernelFunction? {
    func matches(_ text: StaticString) -> Bool {
      word.count == text.utf8CodeUnitCount && word.hasText(text, at: 0)
    }
    if matches("use") { return .use }
    if matches("unuse") { return .unuse }
    if matches("claimed") || matches("query") { return .query }
    if matches("claim") { return .claim }
    if matches("dclaim") { return .deviceClaim }
    if matches("drel") || matches("drelease") { return .deviceRelease }
    if matches("release") || matches("rel") { return .release }
    if matches("rp") || matches("probe") || matches("really") { return .reallyProbe }
    if matches("remove") || matches("devrm") { return .deviceRemove }
    if matches("bound") { return .driverBound }
    return nil
  }
}
