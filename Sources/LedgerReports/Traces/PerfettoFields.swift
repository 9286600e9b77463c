/// The numbers of the fields that are written, from `protos/perfetto/trace` of Perfetto; `Tests/Outside` reads the result
/// with the official schema.
enum PerfettoFields {
  /// `Trace`
  static let packet = 1

  /// `TracePacket`
  enum Packet {
    static let clockSnapshot = 6
    static let timestamp = 8
    static let sequence = 10
    static let trackEvent = 11
    static let sequenceFlags = 13
    static let timestampClock = 58
    static let trackDescriptor = 60
  }

  /// `ClockSnapshot` and `ClockSnapshot.Clock`
  enum Snapshot {
    static let clocks = 1
    static let primaryClock = 2
    static let clockID = 1
    static let clockTimestamp = 2
  }

  /// `TrackDescriptor`
  enum Track {
    static let uuid = 1
    static let name = 2
    static let parent = 5
    static let counter = 8
    static let childOrdering = 11
    static let rank = 12
    static let description = 14
    /// `ChildTracksOrdering.EXPLICIT`
    static let explicitOrdering: UInt64 = 3
  }

  /// `CounterDescriptor`
  enum Counter {
    static let unitName = 6
    static let shareKey = 7
  }

  /// `TrackEvent`
  enum Event {
    static let annotations = 4
    static let type = 9
    static let track = 11
    static let categories = 22
    static let name = 23
    static let counterValue = 30
    static let flows = 47
    static let endingFlows = 48
    /// `Type.TYPE_SLICE_BEGIN` and what follows it.
    static let sliceBegin: UInt64 = 1
    static let sliceEnd: UInt64 = 2
    static let instant: UInt64 = 3
    static let counter: UInt64 = 4
  }

  /// `DebugAnnotation`
  enum Annotation {
    static let name = 10
    static let int = 4
    static let string = 6
  }

  /// `BuiltinClock`
  static let bootTime: UInt64 = 6
  static let monotonic: UInt64 = 3
}
