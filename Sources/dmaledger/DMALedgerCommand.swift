import ArgumentParser

/// The command: arguments, files, terminal, exit codes. What it says comes from the library.
@main
struct DMALedgerCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "dmaledger",
    abstract: "Says why \"group N is not viable\", and who still holds it.",
    usage: """
      dmaledger [analyze] FILE... [--format text|json|html|perfetto|chrome] [-o OUTPUT] [--fail-on SEVERITY] ...
      dmaledger explain [RULE]
      """,
    discussion: """
      Reads ftrace captures, plain or zstd: the text of trace and trace_pipe with any tracer and option, \
      trace-cmd report, perf script. Replays every call that changes iommu_group::owner_cnt and names the \
      acquisition that was never given back, with the lines that prove it.

        dmaledger trace.txt              a report for people
        dmaledger trace.txt.zst --format json
        ssh host cat /sys/kernel/tracing/trace | dmaledger -
        dmaledger explain                the rules
        dmaledger explain test-remove-leak

      Exit codes: 0 balanced; 1 findings at or above --fail-on; 2 the input cannot be read or nothing in it \
      was recognised; 3 inconclusive; 64 wrong usage.
      """,
    version: version,
    subcommands: [AnalyzeCommand.self, ExplainCommand.self],
    defaultSubcommand: AnalyzeCommand.self)
}
