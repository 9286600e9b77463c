#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file, pipe or standard input that is open for reading; it is closed when nobody holds it any more.
///
/// Files are read with `read(2)` and `pread(2)`: a mapping of a file that shrinks would kill the process.
final class OpenFile: Sendable {
  let path: String
  private let descriptor: CInt
  /// Size in bytes of a regular file when it was opened; `nil` of anything else, which can only be read in order.
  let size: Int?

  /// Opens a path; `-` is standard input.
  init(path: String) throws(InputError) {
    self.path = path
    if path == "-" {
      descriptor = STDIN_FILENO
      size = nil
      return
    }
    descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw InputError(path: path, reason: systemReason(errno)) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      size = nil
      return
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      close(descriptor)
      throw InputError(path: path, reason: "is a directory; name the capture inside it")
    }
    // Files of /proc say they are empty and are not.
    size = status.st_mode & S_IFMT == S_IFREG && status.st_size > 0 ? Int(status.st_size) : nil
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// Reads on, or at a place but not beyond its limit: how many bytes, 0 at the end, negative with `errno` on error.
  func read(into room: UnsafeMutableRawBufferPointer, at place: (offset: Int, limit: Int)?) -> Int {
    while true {
      let count =
        if let place {
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

/// The operating system's words for an errno.
package func systemReason(_ code: CInt) -> String {
  unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
