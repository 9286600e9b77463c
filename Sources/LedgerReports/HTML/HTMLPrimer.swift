import DMALedger

/// How to read the charts: what the count is, and what is drawn on this page.
enum HTMLPrimer {
  static func render(_ timeline: Timeline, _ page: inout HTMLCanvas) {
    page.markup(
      """
      <section class="primer" aria-labelledby="primer">
      <h2 id="primer">How to read the charts</h2>
      <p>Linux counts, for each IOMMU group, how many references keep it from being handed to a virtual machine
      (<code>owner_cnt</code>). VFIO gets the group only while the count is 0. A driver takes one when it is bound and
      gives it back when it is unbound; one that nobody will give back is <em class="leak">leaked</em>.
      <span class="needs-script">Point at a chart, tap it, or step through it with the arrow keys, to read the lines behind
      it. Drag, pinch, or press + and − to zoom; 0 shows everything.</span></p>
      <ul class="legend">

      """)
    for sign in Sign.allCases where sign.isDrawn(timeline) {
      page.element("li", isBlock: true) { page in
        page.markup(sign.picture)
        page.words(" " + sign.meaning)
      }
    }
    page.markup("</ul>\n</section>\n")
  }

  /// A thing that charts may show.
  private enum Sign: CaseIterable {
    case count, held, leaked, stray, band, gap, fold, reference, owner, leakedReference, suspectedReference,
      unknownReference
    case leak, refusal, warning, claim, loss, line

    var meaning: String {
      switch self {
      case .count: "the count"
      case .held: "what is held by right"
      case .leaked: "above it: leaked"
      case .stray: "above it: taken by somebody whom the capture does not show"
      case .band: "the count lies in this range"
      case .gap: "evidence is missing: the count is not known"
      case .fold: "calls that are only counted, as there are too many"
      case .reference: "a reference, from taken to given back"
      case .owner: "a user-space owner has the group"
      case .leakedReference: "a leaked reference: it never ends"
      case .suspectedReference: "perhaps leaked"
      case .unknownReference: "a reference whose holder is not known"
      case .leak: "the leak happens"
      case .refusal: "refused"
      case .warning: "kernel warning"
      case .claim: "an owner claims or lets go"
      case .loss: "events were lost"
      case .line: "another line that a finding quotes"
      }
    }

    var picture: StaticString {
      switch self {
      case .count:
        #"<svg width="34" height="14" aria-hidden="true"><path class="count" d="M1 12H14V3H33"/></svg>"#
      case .held: #"<svg width="34" height="14" aria-hidden="true"><path class="held" d="M1 7H33"/></svg>"#
      case .leaked:
        #"<svg width="34" height="14" aria-hidden="true"><path class="excess" d="M1 2H33V11H1Z"/><path class="held" d="M1 12H33"/></svg>"#
      case .stray:
        #"<svg width="34" height="14" aria-hidden="true"><path class="stray" d="M1 2H33V11H1Z"/><path class="held" d="M1 12H33"/></svg>"#
      case .band:
        #"<svg width="34" height="14" aria-hidden="true"><path class="band" d="M1 2H33V12H1Z"/></svg>"#
      case .gap, .fold:
        #"<svg width="34" height="14" aria-hidden="true"><path class="lost" d="M1 1H33V13H1Z"/></svg>"#
      case .reference:
        #"<svg width="34" height="14" aria-hidden="true"><rect class="bar returned" x="1" y="2" width="30" height="10"/></svg>"#
      case .owner:
        #"<svg width="34" height="14" aria-hidden="true"><rect class="bar owner" x="1" y="2" width="30" height="10"/></svg>"#
      case .leakedReference:
        #"<svg width="34" height="14" aria-hidden="true"><path class="bar leaked" d="M1 2H27L33 7L27 12H1Z"/></svg>"#
      case .suspectedReference:
        #"<svg width="34" height="14" aria-hidden="true"><path class="bar suspected" d="M1 2H27L33 7L27 12H1Z"/></svg>"#
      case .unknownReference:
        #"<svg width="34" height="14" aria-hidden="true"><path class="bar unknown" d="M1 2H27L33 7L27 12H1Z"/></svg>"#
      case .leak:
        #"<svg width="14" height="14" aria-hidden="true"><path class="mark leak" d="M7 1L13 7L7 13L1 7Z"/></svg>"#
      case .refusal:
        #"<svg width="14" height="14" aria-hidden="true"><path class="mark refusal" d="M2 2L12 12M12 2L2 12"/></svg>"#
      case .warning:
        #"<svg width="14" height="14" aria-hidden="true"><path class="mark warning" d="M7 1L13 13H1Z"/></svg>"#
      case .claim:
        #"<svg width="14" height="14" aria-hidden="true"><circle class="mark claim" cx="7" cy="7" r="5"/></svg>"#
      case .loss:
        #"<svg width="14" height="14" aria-hidden="true"><path class="mark loss" d="M1 10L5 5L9 10L13 5"/></svg>"#
      case .line:
        #"<svg width="14" height="14" aria-hidden="true"><path class="mark line" d="M7 2V12"/></svg>"#
      }
    }

    func isDrawn(_ timeline: Timeline) -> Bool {
      switch self {
      case .count, .held: true
      case .leaked: has(.leaked, timeline) && timeline.charted.contains(where: \.showsExcess)
      case .stray:
        (has(.unknown, timeline) || has(.suspected, timeline))
          && timeline.charted.contains(where: \.showsExcess)
      case .leakedReference: has(.leaked, timeline)
      case .suspectedReference: has(.suspected, timeline)
      case .unknownReference: has(.unknown, timeline)
      case .reference: has(.returned, timeline) || has(.bound, timeline)
      case .owner: has(.owner, timeline)
      case .band: timeline.charted.contains { $0.shows { count, _ in count.exact == nil } }
      case .gap: timeline.charted.contains { life in life.gaps.contains { !life.isFold($0) } }
      case .fold: timeline.charted.contains { life in life.gaps.contains(where: life.isFold) }
      case .leak: has(.leak, timeline)
      case .refusal: has(.refusal, timeline)
      case .warning: has(.warning, timeline)
      case .claim: has(.claim, timeline)
      case .loss: has(.loss, timeline)
      case .line: has(.line, timeline)
      }
    }

    private func has(_ kind: GroupTimeline.Holding.Kind, _ timeline: Timeline) -> Bool {
      timeline.charted.contains { $0.lanes.contains { $0.holdings.contains { $0.kind == kind } } }
    }

    private func has(_ mark: GroupTimeline.Mark, _ timeline: Timeline) -> Bool {
      timeline.charted.contains { $0.events.contains { $0.mark == mark } }
    }
  }
}

extension Timeline {
  /// Groups with something to draw: where no call was seen, there is no count to follow.
  var charted: [GroupTimeline] { groups.filter(\.isCharted) }

  /// Whether there is any.
  var hasCharts: Bool { groups.contains(where: \.isCharted) }
}

extension GroupTimeline {
  /// Whether calls were seen that a count can be followed through.
  var isCharted: Bool { !group.changes.isEmpty }

  /// Whether the count is drawn above what is held by right.
  fileprivate var showsExcess: Bool { shows { count, held in count.min > held } }

  /// Whether something holds of a count that is drawn, and of what is held by right then.
  fileprivate func shows(_ condition: (Count, Int) -> Bool) -> Bool {
    var gaps = gaps[...]
    func isDrawn(_ index: Int) -> Bool {
      while let gap = gaps.first, gap.upperBound <= index { gaps.removeFirst() }
      return gaps.first.map { !$0.contains(index) } ?? true
    }
    if isDrawn(-1), condition(group.initial, heldBefore) { return true }
    return events.indices.contains { isDrawn($0) && condition(events[$0].count, events[$0].held) }
  }
}
