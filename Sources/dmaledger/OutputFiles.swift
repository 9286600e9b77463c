import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// All outputs of a run, each with the file it goes to.
///
/// Open them before the work starts, then `begin`, `add` every capture in turn, and `finish`. After an error none of
/// those that were not complete is left behind.
struct OutputFiles {
  private struct Output {
    var renderer: any CollectionRenderer
    var file: OutputFile
  }

  private var outputs: [Output] = []

  /// Opens an output at a path, `-` for standard output.
  mutating func open(_ renderer: any CollectionRenderer, at path: PathName) throws(Standard.WriteError) {
    do throws(Standard.WriteError) {
      add(renderer, path.isStandardStream ? .standardOutput : try OutputFile(replacing: path))
    } catch {
      throw abandoned(error)
    }
  }

  /// Opens a summary that is added to what other steps wrote before; all of them together have a limit.
  mutating func openStepSummary(at path: PathName, _ locator: SourceLocator, _ baseline: Baseline?)
    throws(Standard.WriteError)
  {
    do throws(Standard.WriteError) {
      let file = try OutputFile(appendingTo: path)
      let limit = MarkdownSummary.stepLimit - file.size
      add(MarkdownSummary(limit: limit, locator: locator, baseline: baseline), file)
    } catch {
      throw abandoned(error)
    }
  }

  /// Writes an output to standard error, among the complaints.
  mutating func openOnStandardError(_ renderer: any CollectionRenderer) {
    add(renderer, .standardError)
  }

  private mutating func add(_ renderer: any CollectionRenderer, _ file: OutputFile) {
    // Whoever reads standard output may go away: that is no error, see `Standard.put`.
    signal(SIGPIPE, SIG_IGN)
    outputs.append(Output(renderer: renderer, file: file))
  }

  /// What stands before the first capture; `total` is how many will follow, where that is known.
  mutating func begin(total: Int?) throws(Standard.WriteError) {
    try write { $0.begin(total: total) }
  }

  /// What a capture adds.
  mutating func add(_ capture: CaptureRecord) throws(Standard.WriteError) {
    try write { $0.add(capture) }
  }

  /// What stands behind the last capture; then the files take their places.
  mutating func finish() throws(Standard.WriteError) {
    try write { $0.finish() }
    while !outputs.isEmpty {
      var output = outputs.removeFirst()
      do throws(Standard.WriteError) {
        try output.file.finish()
      } catch {
        output.file.discard()
        throw abandoned(error)
      }
    }
  }

  private mutating func write(_ part: (inout any CollectionRenderer) -> [UInt8]) throws(Standard.WriteError) {
    do throws(Standard.WriteError) {
      for index in outputs.indices { try outputs[index].file.write(part(&outputs[index].renderer)) }
    } catch {
      throw abandoned(error)
    }
  }

  /// Leaves nothing behind of outputs that are not complete.
  private mutating func abandoned(_ error: Standard.WriteError) -> Standard.WriteError {
    for output in outputs { output.file.discard() }
    outputs = []
    return error
  }
}
