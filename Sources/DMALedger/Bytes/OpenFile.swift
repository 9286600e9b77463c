#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file, pipe or standard input that is open for reading; it is closed when nobody holds it any more.
///
/// It is read with `read(2)` and `pread(2)`, or mapped where the caller says so: see ``FileMapping``.
package final class OpenFile: Sendable {
  let path: String
  private let descriptor: CInt
  /// Size in bytes of a regular file when it was opened; `nil` of anything else, which can only be read in order.
  let size: Int?
  /// When it was written to last, as known when it was opened.
  private let modified: timespec

  /// Opens a path; `-` is standard input.
  ///
  /// - Parameter onlyFile: Refuses what is no regular file, without waiting for anybody who writes to it.
  package init(path: PathName, onlyFile: Bool = false) throws(InputError) {
    self.path = path.name
    if path.isStandardStream {
      descriptor = STDIN_FILENO
      size = nil
      modified = timespec()
      return
    }
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (onlyFile ? O_NONBLOCK : 0)
    // Safe: A C string that lives as long as the call.
    guard let opened = unsafe path.withSystemPath({ unsafe open($0, flags) }) else {
      throw InputError(path: path.name, reason: "holds a NUL and can be no file's name")
    }
    descriptor = opened
    guard descriptor >= 0 else { throw InputError(path, code: errno) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      size = nil
      modified = timespec()
      return
    }
    modified = status.st_mtim
    let kind = status.st_mode & S_IFMT
    if kind == S_IFDIR || onlyFile && kind != S_IFREG {
      close(descriptor)
      throw InputError(
        path: path.name,
        reason: kind == S_IFDIR
          ? "is a directory; name the capture inside it"
          : "is no regular file; name it itself to have it read")
    }
    // Files of /proc say they are empty and are not.
    size = kind == S_IFREG && status.st_size > 0 ? Int(status.st_size) : nil
  }

  /// What happened to the file since it was opened, as far as it bears on what was read; `nil` where nothing did.
  func changeSinceOpened() -> InputIssue? {
    var now = stat()
    // Safe: The status is ours and lends its address for the call.
    guard let size, unsafe fstat(descriptor, &now) == 0 else { return nil }
    let sizes = "it had \(size) bytes and has \(now.st_size)"
    if now.st_size < size { return InputIssue(kind: .shrank, offset: Int(now.st_size), detail: sizes) }
    if now.st_size > size { return InputIssue(kind: .grew, offset: size, detail: sizes) }
    let isUntouched = now.st_mtim.tv_sec == modified.tv_sec && now.st_mtim.tv_nsec == modified.tv_nsec
    return isUntouched ? nil : InputIssue(kind: .rewritten, offset: 0)
  }

  /// The whole file in memory, let go in pieces of so many bytes; `nil` where it is no regular file or cannot be mapped.
  func map(piece: Int) -> FileMapping? {
    size.flatMap { FileMapping(descriptor: descriptor, count: $0, piece: piece) }
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Reads on, or at a place but not beyond its limit: how many bytes, 0 at the end, negative with `errno` on error.
  func read(into room: UnsafeMutableRawBufferPointer, at place: (offset: Int, limit: Int)?) -> Int {
    while true {
      let count =
        if let place {
          // Safe: No more is read than the room holds.
          unsafe pread(
            descriptor, room.baseAddress, min(room.count, place.limit - place.offset), off_t(place.offset))
        } else {
          unsafe Glibc.read(descriptor, room.baseAddress, room.count)
        }
      // A signal is no end.
      if count >= 0 || errno != EINTR { return count }
    }
  }
}

extension InputError {
  /// A path that the system refuses with an errno: in its own words, and those for what everybody would wonder about.
  package init(_ path: PathName, code: CInt) {
    var status = stat()
    let isLink =
      // Safe: A C string and a status that live as long as the call.
      unsafe path.withSystemPath { unsafe lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
    let reason =
      switch code {
      case ENOENT where isLink: "is a link to a file that does not exist"
      case ENXIO: systemReason(code) + ": it is a socket, or nothing is behind it"
      case EACCES, EPERM: systemReason(code) + "; run as somebody who may read it, or have it copied"
      default: systemReason(code)
      }
    self.init(path: path.name, reason: reason)
  }
}

/// The operating system's words for an errno.
package func systemReason(_ code: CInt) -> String {
  // Safe: The system's text is copied before anybody can ask for another.
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
