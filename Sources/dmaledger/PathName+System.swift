public import ArgumentParser
public import DMALedger

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What the command does with paths beside reading captures. A path with a NUL in it is none: `EINVAL`.
extension PathName {
  /// A path in the system's own form.
  init(system: UnsafePointer<CChar>) {
    // Safe: As many bytes as strlen has counted.
    let count = unsafe strlen(system)
    self.init(bytes: unsafe UnsafeBufferPointer(start: system, count: count).map(UInt8.init(bitPattern:)))
  }

  /// A descriptor, negative with `errno` where it cannot be opened; new files are for everybody to read.
  func opened(_ flags: Int32) -> Int32 {
    // Safe: A C string that lives as long as the call.
    unsafe withSystemPath { unsafe open($0, flags, 0o644) } ?? invalid
  }

  /// Whether the file at this path now has the other one; what was there is gone. `errno` tells why not.
  func takesPlace(of other: PathName) -> Bool {
    // Safe: C strings that live as long as the call.
    let code = unsafe withSystemPath { from in
      unsafe other.withSystemPath { to in unsafe rename(from, to) } ?? invalid
    }
    return code ?? invalid == 0
  }

  /// Where a file is written before it takes its place: beside it, under a name that is not longer than names may be.
  func draft(_ mark: String) -> PathName {
    let suffix = ".\(mark).part"
    let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1
    // Names are at most 255 bytes long on every file system of Linux.
    let room = max(1, 255 - suffix.utf8.count)
    return PathName(bytes: bytes.prefix(slash + 1 + room)) + suffix
  }

  /// Whether anything is there, links followed.
  var exists: Bool {
    // Safe: A C string that lives as long as the call.
    unsafe withSystemPath { unsafe access($0, F_OK) } == 0
  }

  /// Whether what is there is no regular file, links followed: it cannot be replaced, only written to.
  var isSpecial: Bool {
    var status = stat()
    // Safe: A C string and a status that live as long as the call.
    return unsafe withSystemPath { unsafe stat($0, &status) } == 0 && status.st_mode & S_IFMT != S_IFREG
  }

  func hasSuffix(_ suffix: String) -> Bool {
    bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }

  private var invalid: Int32 {
    errno = EINVAL
    return -1
  }
}

extension PathName: ExpressibleByArgument {
  /// An argument as ``Arguments`` gives it to the parser.
  public init?(argument: String) { self.init(name: argument) }
}
