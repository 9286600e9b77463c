import CZstd

// Safe: throughout this file. The memory lives as long as the workspace, which whoever reads holds on to; one source at a time uses it, by contract.

/// The memory that reading takes, for one source after the other: asking the system for it anew each time costs more
/// than looking at the bytes.
@safe final class Workspace: @unchecked Sendable {
  /// Room for two of the longest lines, and for what sieves look at behind the end.
  static let lineRoom = 2 * LineReader.longestLine
  /// Newlines are listed for windows of this many bytes; the list stays in the first cache.
  static let window = 16 << 10
  private static let slack = 128
  /// Bytes of a page of memory. Copies take three times as long where both ends begin at nearly the same place of a page, at
  /// least where one instruction (`rep movsb`) makes them. What libzstd copies from begins at the beginning of a page; the
  /// blocks of a `ByteFeed` begin a quarter behind it, and what a reader reads into its lines in the middle.
  static let page = 4096

  /// What one read brings at most, in bytes: it is still in the second cache when it is looked at.
  let block: Int

  /// - Parameter block: Less than usual where many sources are read side by side.
  init(block: Int = 128 << 10) { self.block = block }

  /// Each is asked for when it is first needed.
  private(set) lazy var lines: UnsafeMutablePointer<UInt8> = {
    isUsedForLines = true
    let room = UnsafeMutableRawPointer.allocate(
      byteCount: Workspace.lineRoom + Workspace.page + Workspace.slack, alignment: Workspace.page)
    return unsafe room.assumingMemoryBound(to: UInt8.self)
  }()
  private(set) lazy var newlines: UnsafeMutablePointer<UInt32> = .allocate(capacity: Workspace.window + 2)
  private var isUsedForLines = false
  private var context: OpaquePointer?
  private var input: [UInt8] = []

  deinit {
    if isUsedForLines {
      unsafe lines.deallocate()
      unsafe newlines.deallocate()
    }
    _ = unsafe ZSTD_freeDCtx(context)
  }

  /// A decoder at the beginning of a frame. Only one source at a time may use it.
  func decoder() -> OpaquePointer? {
    if unsafe context == nil {
      unsafe context = ZSTD_createDCtx()
      // Windows are admitted by `WindowMemory` before a frame gets here.
      _ = unsafe ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 31)
    } else {
      _ = unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    }
    return unsafe context
  }

  /// The largest window whose memory a decoder keeps for the source behind.
  static let keptWindow = 4 << 20

  /// Gives the memory of a large window back to the system; the stream that used the decoder must be gone.
  func dropDecoder() {
    _ = unsafe ZSTD_freeDCtx(context)
    unsafe context = nil
  }

  /// Room for bytes as they come from a file; ``giveBack(_:)`` returns it.
  func takeInput() -> [UInt8] {
    var room: [UInt8] = []
    swap(&room, &input)
    return room.count == block ? room : [UInt8](repeating: 0, count: block)
  }

  func giveBack(_ room: consuming [UInt8]) {
    input = room
  }
}
