import ArgumentParser
import DMALedger
import LedgerReports

/// Puts the records of several runs together.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Puts the records of several runs together, and sums up as one run would have.",
    discussion: """
      Takes what batch -o or --format jsonl have written, plain or zstd, in any order. A capture that is in several \
      files, by its id and its name, is taken once; merging again changes nothing. Whatever the order and the \
      grouping of the files, the same captures give the same bytes, in the order of their names.

        dmaledger merge part-*.jsonl.zst -o all.jsonl.zst
        dmaledger merge all.jsonl.zst --baseline last-week.jsonl.zst --markdown report.md

      The exit code is that of the worst capture, as with batch.
      """)

  @Argument(help: "Files of records; - is standard input.")
  var files: [PathName]

  @OptionGroup
  var collection: CollectionOptions

  func run() throws {
    try exit {
      var run = try CollectionRun(collection)
      var spool = try RecordsSpool(writer: run.writer)
      for path in files {
        try RecordsFile.forEach(at: path) { capture throws(InputError) in
          var capture = capture
          run.baseline?.mark(&capture)
          do throws(Standard.WriteError) {
            try spool.add(capture)
          } catch {
            throw InputError(path: error.path, reason: error.reason)
          }
        }
      }
      spool.sort()
      try run.begin(total: spool.count)
      for index in 0..<spool.count {
        let (capture, records) = try spool.capture(at: index)
        try run.add(capture, records: records, input: capture.report.inputBytes)
      }
      return try run.finish()
    }
  }
}
