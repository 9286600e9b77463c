import DMALedger

/// The top of the page: verdict, the way from the symptom to its cause, and how to read what follows.
enum HTMLAnswer {
  /// Answers shown; the JSON report has them all.
  private static let shownAnswers = 8

  static func render(_ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    page.element("h1", isBlock: true) { page in
      verdict(report.verdict, &page)
      page.words(
        report.verdict == .inconclusive
          ? " The evidence does not decide." : " " + ReportSentence.verdict(report))
    }
    if report.verdict == .inconclusive {
      page.element("ul", [("class", "reasons")], isBlock: true) { page in
        for reason in report.reasons { page.element("li", reason + ".") }
      }
    }
    answers(report, timeline, &page)
    page.element(
      "p", [("class", "kernel")], isBlock: true, "Kernel: " + TextReport.kernelSentence(report.kernel) + ".")
    if timeline.eventCount > 0 { primer(&page) }
  }

  /// From the symptom to its cause, for each group that was asked for; every link leads to its spot in the chart.
  private static func answers(_ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    for (answer, steps) in ReportSentence.answers(report).prefix(shownAnswers) {
      let index = timeline.groups.firstIndex { answer.isAbout($0.group) }
      let life = index.map { timeline.groups[$0] }
      page.element("section", [("class", "answer \(answer.cause.rawValue)")], isBlock: true) { page in
        page.element("p", [("class", "lead")], isBlock: true) { page in
          page.prose(answer.headline)
          if let at = answer.at {
            page.words(" ")
            HTMLFinding.place(at, report, life, index, &page)
          }
        }
        page.element("ol", [("class", "chain")], isBlock: true) { page in
          for step in steps {
            page.element("li", isBlock: true) { page in
              page.prose(step.text)
              if let at = step.at {
                page.words(" ")
                HTMLFinding.place(at, time: step.time, report, life, index, &page)
              }
            }
          }
        }
        page.element("p", isBlock: true) { page in
          page.element("b", "Do this:")
          page.prose(" \(answer.fix).")
        }
      }
    }
    if report.answers.count > shownAnswers {
      page.element(
        "p", isBlock: true,
        "and \(report.answers.count - shownAnswers) more groups that were asked for, in the JSON report")
    }
  }

  static func verdict(_ verdict: Verdict, _ page: inout HTMLCanvas) {
    page.element("span", [("class", "verdict \(verdict.rawValue)")], verdict.rawValue)
  }

  private static func primer(_ page: inout HTMLCanvas) {
    page.markup(
      """
      <section class="primer" aria-labelledby="primer">
      <h2 id="primer">How to read the charts</h2>
      <p>Linux counts, for each IOMMU group, how many references keep it from being handed to a virtual machine
      (<code>owner_cnt</code>). VFIO gets the group only while the count is 0. A driver takes one when it is bound and
      gives it back when it is unbound; one that nobody will give back is <em class="leak">leaked</em>.
      <span class="needs-script">Point at a chart, or step through it with the arrow keys, to read the lines behind it.
      Drag to zoom, + and − zoom too, 0 shows everything.</span></p>
      <ul class="legend">
      <li><svg width="34" height="14" aria-hidden="true"><path class="count" d="M1 12H12V3H33"/></svg> the count</li>
      <li><svg width="34" height="14" aria-hidden="true"><path class="excess" d="M12 2H33V9H12Z"/><path class="held" d="M1 12H12V9H33"/></svg> what is held by
      right; above it the leaked</li>
      <li><svg width="34" height="14" aria-hidden="true"><path class="stray" d="M1 2H33V12H1Z"/></svg> taken by somebody whom the
      capture does not show</li>
      <li><svg width="34" height="14" aria-hidden="true"><path class="band" d="M1 2H33V12H1Z"/></svg> the count lies in this
      range</li>
      <li><svg width="34" height="14" aria-hidden="true"><path class="lost" d="M1 1H33V13H1Z"/></svg> evidence is missing</li>
      <li><svg width="34" height="14" aria-hidden="true"><rect class="bar returned" x="1" y="2" width="30" height="10"/></svg> a
      reference, from taken to given back</li>
      <li><svg width="34" height="14" aria-hidden="true"><path class="bar leaked" d="M1 2H27L33 7L27 12H1Z"/></svg> a leak: it
      never ends</li>
      <li><svg width="14" height="14" aria-hidden="true"><path class="mark leak" d="M7 1L13 7L7 13L1 7Z"/></svg> the leak
      happens</li>
      <li><svg width="14" height="14" aria-hidden="true"><path class="mark refusal" d="M2 2L12 12M12 2L2 12"/></svg> refused</li>
      <li><svg width="14" height="14" aria-hidden="true"><path class="mark warning" d="M7 1L13 13H1Z"/></svg> kernel warning</li>
      <li><svg width="14" height="14" aria-hidden="true"><circle class="mark claim" cx="7" cy="7" r="5"/></svg> an owner claims or
      lets go</li>
      </ul>
      </section>

      """)
  }
}

extension Answer {
  /// Whether it is about this group and no other of the same number.
  func isAbout(_ group: GroupReport) -> Bool {
    self.group != nil && self.group == group.id && (incarnation ?? 0) == group.incarnation
  }
}
