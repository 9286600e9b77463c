@testable import DMALedger
import Glibc

/// A large file read by several threads in parts against the same file read in order.
///
/// Input: a byte for places and lengths, then lines. They are laid into lines that bear on nothing so that they stand
/// where the file is cut: the parts of a plain file are 2 MiB long for four threads, those of a compressed one are its frames.
enum PartsInOrder {
  private static let part = 2 << 20

  /// Lines of function_graph that the sieve passes over.
  private static let filler: [UInt8] = {
    let block = """
       0)               |            vfs_write() {
       0)   0.100 us    |              mutex_lock();
       1) + 12.345 us   |                }
       0)   1.000 us    |            }
       1)               |                sha256_update.isra.0() {
       1)   0.200 us    |                  e1000_probe [e1000e]();

      """
    return Array(String(repeating: block, count: part / block.utf8.count + 1).utf8)
  }()

  private static let header = Array(
    """
    # tracer: function_graph
    #
    # CPU  DURATION                  FUNCTION CALLS
    # |     |   |                     |   |   |   |
     0)   0.100 us    |  mutex_lock();
     0)   0.100 us    |  mutex_lock();

    """.utf8)

  static func check(_ input: [UInt8]) {
    guard input.count > 3 else { return }
    let lines = input[1...]
    let first = lines.startIndex + lines.count / 3
    let second = lines.startIndex + lines.count * 2 / 3
    var text = header
    // The first cut goes through the first third, the second through the next.
    fill(&text, to: part - Int(input[0]) % (first - lines.startIndex + 1))
    text += lines[..<first]
    fill(&text, to: 2 * part - Int(input[0] / 2) % (second - first + 1))
    text += lines[first..<second]
    fill(&text, to: 2 * part + part / 4)
    text += lines[second...]
    var bytes = text
    if input[0] & 1 != 0 {
      var random = SplitMix(state: UInt64(input[0]))
      // Pseudo-random places for the cuts between frames, and frames that are too dense to be one part.
      bytes = Packing.frames(text, size: 700_000 + 1000 * Int(input[0]), &random)
      if bytes.count < 64 << 10 { return }
    }
    write(bytes)
    let inOrder = digest(jobs: 1)
    require(inOrder == digest(jobs: 4), "threads change what is said")
  }

  /// Adds lines, the last of them cut, up to `length`.
  private static func fill(_ text: inout [UInt8], to length: Int) {
    if text.count < length { text += filler.prefix(length - text.count) }
  }

  /// A file without a name, used again and again.
  private static let file: CInt = {
    var name = Array("/tmp/dmaledger-parts-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    require(file >= 0, "no temporary file")
    unlink(name)
    return file
  }()

  private static func write(_ bytes: [UInt8]) {
    require(ftruncate(file, 0) == 0, "a file that cannot be cut")
    var written = 0
    while written < bytes.count {
      let more = bytes[written...].withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, written) }
      require(more > 0, "no room for a file")
      written += more
    }
  }

  private static func digest(jobs: Int) -> [UInt8] {
    var options = Analyzer.Options()
    options.jobs = jobs
    var analyzer = Analyzer(options: options)
    do throws(InputError) { try analyzer.read(path: "/proc/self/fd/\(file)") } catch {
      require(false, error.reason)
    }
    let report = analyzer.finish()
    ReportInvariants.check(report)
    return WholeAnalyzer.digest(report)
  }
}
