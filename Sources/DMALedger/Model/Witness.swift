/// A line that may be needed as evidence: where it stands, when it happened, and its text.
package struct Witness: Sendable {
  package var at: LineReference
  private var moment: Int64
  package var text: TextArena.Reference

  /// No clock of a kernel shows this.
  private static let noMoment = Int64.min

  /// When it happened, where the line tells.
  package var time: Nanoseconds? {
    get { moment == Self.noMoment ? nil : Nanoseconds(moment) }
    set { moment = newValue?.value ?? Self.noMoment }
  }

  package init(at: LineReference, time: Nanoseconds?, text: TextArena.Reference) {
    self.at = at
    moment = time?.value ?? Self.noMoment
    self.text = text
  }
}
