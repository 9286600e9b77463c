import CZstd

// Safe: throughout this file. The context lives as long as the workspace, which the stream holds; libzstd stays within the sizes it is given.

/// libzstd's streaming decoder: any number of frames in a row, skippable and empty ones included.
@safe struct ZstdStream {
  struct Step {
    var consumed: Int
    var produced: Int
    /// libzstd's own words where it cannot go on.
    var failure: String?
  }

  /// Whether a frame has begun and not ended. A file that ends here is cut off.
  private(set) var isInsideFrame = false
  /// Holds the decoder, which one stream at a time may use.
  private let workspace: Workspace
  private let context: OpaquePointer?

  /// The largest window that libzstd can decode with 64 bits.
  static let largestWindow = 1 << 31

  init(in workspace: Workspace) {
    self.workspace = workspace
    unsafe context = workspace.decoder()
  }

  /// Decodes some of `input` into `room`; how far it came stands in the step.
  mutating func decode(_ input: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Step {
    var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = unsafe ZSTD_outBuffer(dst: room.baseAddress, size: room.count, pos: 0)
    let code = unsafe ZSTD_decompressStream(context, &target, &source)
    var step = unsafe Step(consumed: source.pos, produced: target.pos)
    if ZSTD_isError(code) != 0 {
      step.failure = unsafe String(cString: ZSTD_getErrorName(code))
    } else {
      isInsideFrame = code != 0
    }
    return step
  }
}
