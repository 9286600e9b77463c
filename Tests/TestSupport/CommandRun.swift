public import Foundation

/// One run of the command: what it was given and what it gave.
public struct CommandRun: Sendable {
  /// The exit code.
  public let status: Int32
  /// Standard output.
  public let output: String
  /// Standard error.
  public let complaint: String

  /// Runs the command in the root of the repository.
  public init(_ arguments: [String], input: Data = Data(), environment: [String: String] = [:]) throws {
    try self.init(Checkout.command, arguments, input, environment)
  }

  /// Runs a script of bash in the root of the repository, with the command as `$dmaledger` and `arguments` from `$1` on. One
  /// that hangs is ended after a minute, with 137.
  public init(
    script: String, _ arguments: [String] = [], input: Data = Data(), environment: [String: String] = [:]
  ) throws {
    let own = ["dmaledger": Checkout.command.path]
    try self.init(
      URL(fileURLWithPath: "/usr/bin/env"),
      ["timeout", "-s", "KILL", "60", "bash", "-c", script, "bash"] + arguments,
      input,
      own.merging(environment) { $1 })
  }

  private init(_ program: URL, _ arguments: [String], _ input: Data, _ environment: [String: String]) throws {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = Checkout.root
    // What the command does by itself on a runner must not depend on where the tests run.
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("GITHUB_") }
      .merging(environment) { $1 }
    let output = Pipe()
    let complaint = Pipe()
    let feed = Pipe()
    process.standardOutput = output
    process.standardError = complaint
    process.standardInput = feed
    // The threads of the test runner block signals, and a child inherits that.
    var all = sigset_t()
    var former = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_UNBLOCK, &all, &former)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
    try process.run()
    // Fed from another thread: the command may write before it has read everything.
    let writer = feed.fileHandleForWriting
    Thread.detachNewThread {
      try? writer.write(contentsOf: input)
      try? writer.close()
    }
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    let complained = complaint.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    status = process.terminationStatus
    self.output = String(decoding: printed, as: UTF8.self)
    self.complaint = String(decoding: complained, as: UTF8.self)
  }
}
