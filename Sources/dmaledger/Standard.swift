import ArgumentParser
import CProcessors
import CZstd
import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Standard output and standard error, and the machine they belong to.
enum Standard {
  /// Gives large blocks back to the system as soon as they are free. Otherwise the C library keeps what is freed for blocks
  /// of the same size, which the growing lists of a long capture never ask for again.
  static func returnFreeMemory() {
    #if canImport(Glibc)
      _ = mallopt(M_MMAP_THRESHOLD, 128 << 10)
    #endif
  }

  /// Processors that this process may run on: those that `taskset`, a batch system or a container leave it.
  static var processors: Int { Int(processors_allowed()) }

  struct WriteError: Error {
    var path: String
    var reason: String
  }

  /// Makes sure that standard input, output and error are what they are called, whatever the caller has closed: the next
  /// file that is opened would take the place, and what is written there would end in it.
  static func prepare() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      // The wrong way round: reading and writing fail as they would have.
      // Safe: A literal ends in a NUL.
      _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
    // A reader that has gone away and a limit of file sizes are told by the write that meets them.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Writes everything to standard output. A reader that has gone away is a quiet success: `dmaledger … | head` is no
  /// error.
  static func write(_ bytes: [UInt8]) throws(WriteError) {
    try put(bytes, STDOUT_FILENO, "standard output")
  }

  /// Writes everything to a descriptor, or to standard output as much as its reader takes.
  static func put(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(WriteError) {
    var done = 0
    while done < bytes.count {
      // Safe: The bytes are borrowed for the call, which takes no more than are left.
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EPIPE, descriptor == STDOUT_FILENO { return }
        throw failure(path)
      }
      done += count
    }
  }

  /// What the last system call said.
  static func failure(_ path: String) -> WriteError {
    let code = errno
    return WriteError(path: path, reason: systemReason(code) + (remedy(code).map { "; " + $0 } ?? ""))
  }

  /// What to do about it, where that is not plain.
  private static func remedy(_ code: Int32) -> String? {
    switch code {
    case ENOSPC, EDQUOT: "make room there, or name another place"
    case EFBIG: "raise the limit of file sizes (ulimit -f), or name another place"
    case EBADF: "it is closed: open it, or write to a file with -o"
    case ENOENT, ENOTDIR: "make the folder first"
    case EISDIR: "name a file in it"
    case EACCES, EPERM, EROFS: "name a place that may be written to"
    default: nil
    }
  }

  /// One line on standard error.
  static func complain(_ message: String) {
    tell("dmaledger: " + message)
  }

  /// A line on standard error as it is, made safe to show.
  static func tell(_ line: String) {
    try? put(Array((Printable.text(line) + "\n").utf8), STDERR_FILENO, "standard error")
  }
}

/// When to colour.
enum ColorChoice: String, CaseIterable, ExpressibleByArgument {
  case auto, always, never

  func style(isFile: Bool) -> TextStyle {
    let isTerminal = !isFile && isatty(STDOUT_FILENO) == 1
    let usesColor: Bool
    switch self {
    case .always: usesColor = true
    case .never: usesColor = false
    case .auto: usesColor = isTerminal && !isSet("NO_COLOR")
    }
    return TextStyle(width: isTerminal ? min(100, terminalWidth) : 100, usesColor: usesColor)
  }

  /// Columns of the terminal; 100 where it does not tell.
  private var terminalWidth: Int {
    var size = winsize()
    // Safe: The size is ours and lends its address for the call.
    guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
    return Int(size.ws_col)
  }

  /// NO_COLOR counts when it is set to anything but nothing.
  private func isSet(_ variable: String) -> Bool {
    // Safe: The environment is not changed by this program, and what it holds ends in a NUL.
    guard let value = unsafe getenv(variable) else { return false }
    return unsafe value.pointee != 0
  }
}
