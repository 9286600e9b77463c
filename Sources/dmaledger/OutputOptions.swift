import ArgumentParser
import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The outputs that a run can write beside its main one, any number at once. Shared by all commands that judge captures.
struct OutputOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Records, one a line, for databases and dmaledger merge.", valueName: "file"))
  var jsonl: PathName?

  @Option(help: ArgumentHelp("JUnit XML, for GitLab, Jenkins and GitHub.", valueName: "file"))
  var junit: PathName?

  @Option(help: ArgumentHelp("SARIF 2.1.0, for GitHub code scanning.", valueName: "file"))
  var sarif: PathName?

  @Option(help: ArgumentHelp("KTAP version 1, the kernel's test protocol.", valueName: "file"))
  var ktap: PathName?

  @Option(help: ArgumentHelp("TAP version 14.", valueName: "file"))
  var tap: PathName?

  @Option(help: ArgumentHelp("GitLab's code quality report.", valueName: "file"))
  var gitlab: PathName?

  @Option(help: ArgumentHelp("A summary in Markdown, fit for a merge request.", valueName: "file"))
  var markdown: PathName?

  @Option(help: ArgumentHelp("KCIDB 5.3, a report a line; needs --kcidb-build.", valueName: "file"))
  var kcidb: PathName?

  @Option(
    help: ArgumentHelp("The build that KCIDB tests belong to.", valueName: "origin:id"))
  var kcidbBuild: String?

  @Option(
    help: ArgumentHelp(
      "Add the Markdown summary to this file; inside GitHub Actions $GITHUB_STEP_SUMMARY by itself.",
      valueName: "file"))
  var githubSummary: PathName?

  @Flag(help: "Write neither annotations nor a step summary by itself inside GitHub Actions.")
  var noGithub = false

  @Option(
    help: ArgumentHelp("Place all SARIF results in this file of the repository.", valueName: "file"))
  var sarifAnchor: PathName?

  /// The outputs asked for, in the order of the options.
  private var wanted: [(format: OutputFormat, path: PathName)] {
    let paths: [(OutputFormat, PathName?)] = [
      (.jsonl, jsonl), (.junit, junit), (.sarif, sarif), (.ktap, ktap), (.tap, tap), (.gitlab, gitlab),
      (.markdown, markdown),
    ]
    return paths.compactMap { format, path in path.map { (format, $0) } }
  }

  /// Whether one of them goes to standard output.
  var usesStandardOutput: Bool { (wanted.map(\.path) + [kcidb]).contains(.standardStream) }

  /// Every path that will be written; what the command itself writes may not be among them.
  func validate(besides own: [PathName]) throws {
    var paths = own
    for path in wanted.map(\.path) + [kcidb, githubSummary].compactMap({ $0 }) {
      guard !paths.contains(path) else {
        throw ValidationError(
          path.isStandardStream
            ? "standard output can take only one output; give the others a file"
            : "two outputs go to \(path.name)"
        )
      }
      paths.append(path)
    }
    if kcidb != nil, kcidbBuild.flatMap(KCIDBReport.Build.init) == nil {
      throw ValidationError("--kcidb needs the build that its tests belong to: --kcidb-build ORIGIN:ID")
    }
  }

  /// Opens all of them. `main` is the command's own format, which may be the annotations themselves.
  func open(_ outputs: inout OutputFiles, main: OutputFormat, baseline: Baseline? = nil)
    throws(Standard.WriteError)
  {
    let locator = Surroundings.locator
    for (format, path) in wanted {
      if let renderer = format.renderer(locator, sarifAnchor: sarifAnchor?.name, baseline: baseline) {
        try outputs.open(renderer, at: path)
      }
    }
    if let kcidb, let build = kcidbBuild.flatMap(KCIDBReport.Build.init) {
      try outputs.open(KCIDBReport(build: build), at: kcidb)
    }
    let isOnGitHub = !noGithub && Surroundings.value(of: "GITHUB_ACTIONS") == "true"
    if let path = githubSummary ?? (isOnGitHub ? Surroundings.path(of: "GITHUB_STEP_SUMMARY") : nil) {
      try outputs.openStepSummary(at: path, locator, baseline)
    }
    // The runner looks for commands on standard error, too, where they do not mix with the report.
    if isOnGitHub, main != .github { outputs.openOnStandardError(GitHubAnnotations(locator: locator)) }
  }
}

/// What the environment says about the place of the run.
enum Surroundings {
  /// A variable that is set to anything but nothing.
  static func value(of variable: String) -> String? {
    // Safe: The environment is not changed by this program, and what it holds ends in a NUL.
    guard let value = unsafe getenv(variable), unsafe value.pointee != 0 else { return nil }
    return unsafe String(cString: value)
  }

  /// A path in a variable that is set to anything but nothing.
  static func path(of variable: String) -> PathName? {
    // Safe: As above.
    guard let value = unsafe getenv(variable), unsafe value.pointee != 0 else { return nil }
    return unsafe PathName(system: value)
  }

  /// Names files from the root of the checkout where the CI system tells it, from the working directory otherwise.
  static var locator: SourceLocator {
    // Safe: The system has allocated it for us to free; it is copied before.
    guard let here = unsafe getcwd(nil, 0) else { return SourceLocator() }
    defer { unsafe free(here) }
    let folder = unsafe PathName(system: here).name
    for root in [path(of: "GITHUB_WORKSPACE"), path(of: "CI_PROJECT_DIR")].compactMap({ $0?.name }) {
      if folder == root { return SourceLocator(root: root) }
      if folder.utf8.starts(with: (root + "/").utf8) {
        return SourceLocator(
          root: root, folder: String(Substring(folder.utf8.dropFirst(root.utf8.count + 1))))
      }
    }
    return SourceLocator(root: folder)
  }
}
