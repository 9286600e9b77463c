import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The command: arguments, files, terminal, exit codes. What it says comes from the library.
@main
struct DMALedgerCommand: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "dmaledger",
    abstract: "Says why \"group N is not viable\", and who still holds it.",
    usage: """
      dmaledger [analyze] FILE... [--format FORMAT] [-o OUTPUT] [--junit FILE] [--sarif FILE] ...
      dmaledger batch PATH... [-o RECORDS.jsonl.zst] [--baseline RECORDS] [--junit FILE] ...
      dmaledger merge RECORDS... [-o RECORDS.jsonl.zst] ...
      dmaledger diff GOOD BAD
      dmaledger explain [RULE]
      """,
    discussion: """
      Reads ftrace captures, plain or zstd: the text of trace and trace_pipe with any tracer and option, \
      trace-cmd report, perf script. Replays every call that changes iommu_group::owner_cnt and names the \
      acquisition that was never given back, with the lines that prove it. The kernel log, the log of QEMU, \
      libvirt or DPDK and listings of groups may be given in the same call, in any order, and so may the \
      files of per_cpu/cpuN/trace.

        dmaledger trace.txt              a report for people
        dmaledger trace.txt dmesg.txt qemu.log groups.txt
        dmaledger trace.txt.zst --format json
        dmaledger trace.txt --junit junit.xml --sarif dma.sarif
        ssh host cat /sys/kernel/tracing/trace | dmaledger -
        dmaledger explain                the rules
        dmaledger explain test-remove-leak

      Exit codes: 0 balanced; 1 findings at or above --fail-on; 2 the input cannot be read or nothing in it \
      was recognised; 3 inconclusive; 64 wrong usage.
      """,
    version: version,
    subcommands: [
      AnalyzeCommand.self, BatchCommand.self, MergeCommand.self, DiffCommand.self, ExplainCommand.self,
    ],
    defaultSubcommand: AnalyzeCommand.self)

  static func main() {
    Standard.prepare()
    var outcome: (code: ExitCode, words: String) = (.success, "")
    do {
      var command = try command(for: Arguments.texts)
      try command.run()
    } catch let code as ExitCode {
      // What there was to say has been said; asked for words, the parser would first write its help.
      outcome.code = code
    } catch {
      outcome = (exitCode(for: error), fullMessage(for: error))
    }
    DraftCleaner.removeLeftovers()
    exit(outcome.code, outcome.words)
  }

  /// The command that the arguments ask for.
  ///
  /// To find the default command the parser builds all arguments of all commands that it may be, and it asks twice more
  /// whether a completion script is wanted: that takes longer than reading a small capture. So where the command is plain
  /// to see, it is asked alone.
  private static func command(for arguments: [String]) throws -> any ParsableCommand {
    let isNamed = arguments.first == AnalyzeCommand.configuration.commandName
    let others = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard let first = arguments.first, isNamed || !others.contains(first),
      !arguments.contains(where: isForRoot)
    else { return try parseAsRoot(arguments) }
    return try AnalyzeCommand.parseAsRoot(isNamed ? Array(arguments.dropFirst()) : arguments)
  }

  /// Whether an argument is answered by no command of its own, wherever it stands.
  private static func isForRoot(_ argument: String) -> Bool {
    ["-h", "-help", "--version"].contains(argument) || argument.hasPrefix("--help")
      || argument.hasPrefix("--generate-completion-script") || argument.hasPrefix("---completion")
  }

  /// Ends the process with what the parser has to say: help is a result, anything else a complaint.
  private static func exit(_ code: ExitCode, _ words: String) -> Never {
    var code = code
    if code != .success {
      // The words quote arguments, but their line ends are the parser's own.
      for line in words.split(separator: "\n", omittingEmptySubsequences: false) where !words.isEmpty {
        Standard.tell(String(line))
      }
    } else if !words.isEmpty {
      do {
        try Standard.write(Array((words + "\n").utf8))
      } catch {
        Standard.complain("\(error.path): \(error.reason)")
        code = ExitStatus.unreadable.code
      }
    }
    Glibc.exit(code.rawValue)
  }
}
