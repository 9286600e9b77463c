/// One thing that the capture shows about a group, with the lines that show it.
public struct Finding: Sendable {
  /// Which rule it is an instance of.
  public var rule: Rule
  /// How much it matters.
  public var severity: Severity
  /// How firmly it stands.
  public var certainty: Certainty
  /// The group, where its number is known.
  public var group: GroupID?
  /// Which group of that number, from 0; a number is used again once its group is empty.
  public var incarnation: Int?
  /// The device it is about, as the kernel names it.
  public var device: String?
  /// The driver that took the reference.
  public var driver: String?
  /// References that nobody will give back.
  public var excess: Int?
  /// One paragraph: what happened.
  public var message: String
  /// For `not-viable`: `leak`, `holder`, `owner`, `domain` or `unknown`.
  public var cause: String?
  /// What to do about it.
  public var remedy: String
  /// Same bug, same fingerprint: a hash of rule, driver, bus and call chain; no time, path or address in it.
  public var fingerprint: String
  /// The lines, in the order in which they tell the story.
  public var evidence: [Evidence]
  /// How many times it was seen: very many that differ in nothing but their time are told as one.
  public var occurrences = 1
  /// Whether an earlier run had it; absent where there is nothing to compare with.
  public var novelty: Novelty?

  /// How a finding stands to those of an earlier run, told by its fingerprint.
  public enum Novelty: String, Sendable {
    /// No capture of that run had it.
    case new
    /// Some capture of that run had it.
    case known
  }

  /// A finding with everything it says.
  public init(
    rule: Rule, severity: Severity, certainty: Certainty, group: GroupID? = nil, incarnation: Int? = nil,
    device: String? = nil, driver: String? = nil, excess: Int? = nil, message: String, cause: String? = nil,
    remedy: String, fingerprint: String, evidence: [Evidence]
  ) {
    self.rule = rule
    self.severity = severity
    self.certainty = certainty
    self.group = group
    self.incarnation = incarnation
    self.device = device
    self.driver = driver
    self.excess = excess
    self.message = message
    self.cause = cause
    self.remedy = remedy
    self.fingerprint = fingerprint
    self.evidence = evidence
  }
}

/// A line of a source that supports a finding.
public struct Evidence: Sendable {
  /// Where it stands.
  public var at: LineReference
  /// When it happened, where the capture tells.
  public var time: Nanoseconds?
  /// What it shows.
  public var note: String
  /// The line itself, as bytes decoded leniently; long lines are cut. Hostile text: escape it before printing.
  public var text: String

  /// A line with what it shows.
  public init(at: LineReference, time: Nanoseconds?, note: String, text: String) {
    self.at = at
    self.time = time
    self.note = note
    self.text = text
  }
}

/// Something about the input, not about the machine that was traced.
public struct Diagnostic: Sendable {
  /// How much of the report it touches.
  public enum Level: String, Sendable {
    /// Part of the input could not be read.
    case error
    /// What was read may mean less than it seems.
    case warning
    /// Worth knowing.
    case note
  }

  /// How much of the report it touches.
  public var level: Level
  /// Index into `Report.sources`.
  public var source: Int?
  /// Line number after decompression, from 1.
  public var line: Int?
  /// Byte offset in the file as it lies on disk, where the trouble is in the bytes.
  public var offset: Int?
  /// What is wrong, and what to do about it.
  public var message: String

  /// A remark about the input.
  public init(level: Level, source: Int? = nil, line: Int? = nil, offset: Int? = nil, message: String) {
    self.level = level
    self.source = source
    self.line = line
    self.offset = offset
    self.message = message
  }
}
