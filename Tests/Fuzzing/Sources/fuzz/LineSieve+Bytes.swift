@testable import DMALedger

extension LineSieve {
  /// Whether the sieve passes over a line that stands somewhere else than in a reader's buffer.
  func rejects(_ line: Span<UInt8>) -> Bool {
    let padded = line.withUnsafeBufferPointer { Array($0) } + [UInt8](repeating: 0, count: 128)
    return padded.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map { rejects($0, length: line.count) } ?? false
    }
  }
}
