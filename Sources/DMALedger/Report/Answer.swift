/// Why one group could or could not be had: what somebody who asked for it wants to read first.
///
/// There is one for each group that was asked for: by a line of a user-space log, by a query or claim that failed, or by
/// a ``Question`` of whoever runs the analysis.
public struct Answer: Sendable {
  /// What stands in the way.
  public enum Cause: String, Sendable, CaseIterable {
    /// References that nobody will give back.
    case leak
    /// A member that is bound to a native driver, by right.
    case holder
    /// Another container or iommufd context.
    case owner
    /// A domain or a PASID that is attached although the count is 0.
    case domain
    /// Something that the evidence does not show.
    case unknown
    /// Nothing: the group can be had.
    case nothing
    /// The capture does not know the group or the device.
    case absent
  }

  /// One link of the chain from the symptom to its cause.
  public struct Step: Sendable {
    /// What happened, as a clause without a full stop, times included. It may quote names from the capture: escape it.
    public var text: String
    /// The line that shows it.
    public var at: LineReference?
    /// When it happened, where the capture tells.
    public var time: Nanoseconds?

    /// A link with everything it says.
    public init(text: String, at: LineReference? = nil, time: Nanoseconds? = nil) {
      self.text = text
      self.at = at
      self.time = time
    }
  }

  /// The group; absent where its number is not known.
  public var group: GroupID?
  /// Which group of that number, from 0.
  public var incarnation: Int?
  /// The device that was asked for, where it was a device.
  public var device: String?
  /// What stands in the way.
  public var cause: Cause
  /// How firmly the cause stands; that the group was refused may be firmer.
  public var certainty: Certainty
  /// The whole answer in a sentence with its full stop.
  public var headline: String
  /// The line that shows what the headline says; a step that it repeats has the same.
  public var at: LineReference?
  /// From the symptom to the cause.
  public var steps: [Step]
  /// Who held a reference by right, an owner included: when the group was last refused, or else at the end.
  public var legitimate: [Holder]
  /// References that nobody will give back, at the same moment.
  public var leaked: [Holder]
  /// References whose holder the evidence does not show; absent where there are none.
  public var unexplained: Count?
  /// What to do, as a clause without a full stop.
  public var fix: String

  /// An answer with everything it says.
  public init(
    group: GroupID? = nil, incarnation: Int? = nil, device: String? = nil, cause: Cause, certainty: Certainty,
    headline: String, at: LineReference? = nil, steps: [Step] = [], legitimate: [Holder] = [],
    leaked: [Holder] = [],
    unexplained: Count? = nil, fix: String
  ) {
    self.group = group
    self.incarnation = incarnation
    self.device = device
    self.cause = cause
    self.certainty = certainty
    self.headline = headline
    self.at = at
    self.steps = steps
    self.legitimate = legitimate
    self.leaked = leaked
    self.unexplained = unexplained
    self.fix = fix
  }
}

/// What whoever runs the analysis wants to know about, whether or not the capture shows that it was refused.
public enum Question: Sendable, Equatable {
  /// A device by the kernel's name of it; a PCI address may leave out its domain 0000.
  case device(String)
  /// A group by its number.
  case group(Int)
}
