import DMALedger
import LedgerReports

/// Files of records that earlier runs wrote.
enum RecordsFile {
  /// Hands every capture of a file to `body`, in order; plain or compressed, `-` is standard input.
  ///
  /// - Parameter skipsChanges: Whether verdicts and findings are enough.
  static func forEach(
    at path: PathName, skipsChanges: Bool = false, _ body: (CaptureRecord) throws(InputError) -> Void
  ) throws(InputError) {
    var reader = RecordsReader(skipsChanges: skipsChanges)
    try WholeFile.eachBlock(of: path) { block throws(InputError) in
      try feed(block, to: &reader, path.name, body)
    }
    do throws(RecordsError) {
      try reader.finish()
    } catch {
      throw inputError(error, path.name)
    }
  }

  /// Hands the captures that some more bytes complete to `body`.
  static func feed(
    _ bytes: Span<UInt8>, to reader: inout RecordsReader, _ path: String,
    _ body: (CaptureRecord) throws(InputError) -> Void
  ) throws(InputError) {
    var captures: [CaptureRecord] = []
    do throws(RecordsError) {
      try reader.read(bytes, into: &captures)
    } catch {
      throw inputError(error, path)
    }
    for capture in captures { try body(capture) }
  }

  private static func inputError(_ error: RecordsError, _ path: String) -> InputError {
    InputError(path: path, reason: "line \(error.line), byte \(error.offset): \(error.message)")
  }
}
