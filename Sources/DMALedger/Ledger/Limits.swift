/// How much is kept of a capture, so that memory stays bounded whatever is in it.
///
/// What is told one by one and what is told as a total says the same about every count. What is not followed any more is
/// treated as lost events are: whatever depends on it is unknown.
package struct Limits: Sendable {
  /// Changes of all groups together that are told one by one. Of a group that has more than its share the first and the
  /// last are; those in between are told as totals.
  package var changes = 10_240
  /// Groups that are followed, in all their lives; calls on more are only counted.
  package var groups = 4096
  /// Devices that an account is kept of, over all groups.
  package var devices = 4096
  /// Leaks of a device, and other defects of a group, that are told one by one before those that differ in nothing but
  /// their time are told together.
  package var alike = 64
  /// Refusals of a group that are kept one by one before those that found the same state are told together.
  package var refusals = 32

  /// Bytes of what kernel logs tell of devices, with the text of its lines.
  package var logFacts = 4 << 20
  /// Devices, and groups, that listings and programs tell of.
  package var listed = 8192

  /// Bytes of lines that are kept before those that cannot become evidence any more are forgotten.
  package var texts = 1 << 20

  /// The usual limits.
  package init() {}
}
