import CFileFaults

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// Safe: throughout this file. The room is ours from `init` to `deinit`; the file lies in it with slack on both sides, and is
// never written to.

/// A regular file as the page cache has it: what `read(2)` would copy is looked at where it lies.
///
/// Where the file is cut off meanwhile, or its disk fails, the bytes from there on are zeros and ``sound`` says so.
/// Whoever believes a byte asks for `sound` behind looking at it, never before.
@safe final class FileMapping: @unchecked Sendable {
  /// What lies behind a reader is let go in pieces of so many bytes.
  let piece: Int
  /// A large page can be mapped whole only at addresses that are multiples of its size.
  private static let largePage = 2 << 20
  /// Bytes that can be looked at behind the last; sieves look at many at once.
  private static let slack = 4096

  /// The first byte of the file. No byte may be written.
  let bytes: UnsafePointer<UInt8>
  /// The size of the file when it was opened.
  let count: Int

  private let room: UnsafeMutableRawPointer
  private let roomSize: Int
  private let watch: CInt

  /// `nil` where the file system or the process has no room for it: then the file is read.
  init?(descriptor: CInt, count: Int, piece: Int) {
    roomSize = count + Self.largePage + 2 * Self.slack
    let reserved = unsafe mmap(nil, roomSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let reserved = unsafe reserved, unsafe reserved != MAP_FAILED else { return nil }
    unsafe room = reserved
    let start = unsafe (reserved + Self.slack).alignedUp(toMultipleOf: Self.largePage)
    let mapped = unsafe mmap(start, count, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, 0)
    guard unsafe mapped == start else {
      unsafe munmap(reserved, roomSize)
      return nil
    }
    watch = unsafe filefaults_watch(start, count)
    guard watch >= 0 else {
      unsafe munmap(reserved, roomSize)
      return nil
    }
    unsafe madvise(start, count, MADV_SEQUENTIAL)
    self.count = count
    self.piece = piece
    unsafe bytes = UnsafePointer(start.assumingMemoryBound(to: UInt8.self))
  }

  deinit {
    filefaults_end(watch)
    unsafe munmap(room, roomSize)
  }

  /// How many bytes from the beginning are what the file has, or had when they were looked at.
  var sound: Int { filefaults_sound(watch) }

  /// Lets go of the pieces between two places; who looks at them again gets them again.
  func drop(from first: Int, to last: Int) {
    let from = first / piece * piece
    let to = min(count, (last + piece - 1) / piece * piece)
    guard from < to else { return }
    unsafe madvise(UnsafeMutableRawPointer(mutating: bytes + from), to - from, MADV_DONTNEED)
  }
}

/// Where a reader stands in a mapped file.
struct MappedPart {
  let mapping: FileMapping
  /// The place in the file where what the reader reads begins.
  let first: Int
  /// What lies before this place has been let go.
  var dropped: Int

  /// Lets go of all that may still be there.
  func drop(to count: Int) { mapping.drop(from: dropped, to: first + count) }

  /// Lets go of whole pieces among the first `count` bytes.
  mutating func drop(behind count: Int) {
    let place = (first + count) / mapping.piece * mapping.piece
    guard place > dropped else { return }
    mapping.drop(from: dropped, to: place)
    dropped = place
  }
}
