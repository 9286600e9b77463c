import CZstd

// Safe: throughout this file. The context lives as long as the workspace, which the stream holds; libzstd stays within the sizes it is given.

/// libzstd's streaming decoder: any number of frames in a row, skippable and empty ones included.
@safe struct ZstdStream {
  struct Step {
    var consumed: Int
    var produced: Int
    /// libzstd's own words where it cannot go on.
    var failure: String?
    /// Whether all of a frame was decoded, and its checksum says that this is not what was written.
    var isMisread = false
  }

  /// Whether a frame has begun and not ended. A file that ends here is cut off.
  private(set) var isInsideFrame = false
  /// Bytes of the header or block at hand that the decoder has not seen.
  private var wanted = ZstdStream.firstBytes
  /// Bytes of it that the decoder has seen: where it fails, the damage is not behind them.
  private(set) var begun = 0
  /// Holds the decoder, which one stream at a time may use.
  private let workspace: Workspace
  private let context: OpaquePointer?
  /// What tells how long the rest of a frame's header is.
  private static let firstBytes = 5
  private static let blockHeader = 3
  private static let checksum = 4

  /// The largest window that libzstd can decode with 64 bits.
  static let largestWindow = 1 << 31

  init(in workspace: Workspace) {
    self.workspace = workspace
    unsafe context = workspace.decoder()
  }

  /// Decodes some of `input` into `room`; how far it came stands in the step.
  ///
  /// One header or block at a time: where the decoder fails it keeps to itself what it has decoded in that call, and given
  /// a small frame whole it decodes it in one go or not at all. So everything in front of the damage is read, and the same
  /// whatever portions the bytes come in.
  mutating func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Step {
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: min(input.count, wanted), pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
    let code = unsafe ZSTD_decompressStream(context, &target, &source)
    var step = unsafe Step(consumed: source.pos, produced: target.pos)
    if ZSTD_isError(code) != 0 {
      step.failure = unsafe String(cString: ZSTD_getErrorName(code))
      step.isMisread = ZSTD_getErrorCode(code) == ZSTD_error_checksum_wrong
      // Its bytes are asked for as if a block header stood behind the first.
      if step.isMisread { begun = Self.checksum - wanted }
    } else {
      isInsideFrame = code != 0
      begun = step.consumed == wanted ? 0 : begun + step.consumed
      // The decoder asks for a block together with the header of the next.
      wanted = code == 0 ? Self.firstBytes : code > Self.blockHeader ? code - Self.blockHeader : code
    }
    return step
  }
}
