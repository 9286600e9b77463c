import DMALedger

/// The top of the page: verdict, the way from the symptom to its cause, and how to read what follows.
enum HTMLAnswer {
  /// Answers shown; the JSON report has them all.
  private static let shownAnswers = 8

  static func render(_ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    page.element("h1", isBlock: true) { page in
      verdict(report.verdict, &page)
      page.element("span", [("class", "hidden")], ":")
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
    if timeline.hasCharts { HTMLPrimer.render(timeline, &page) }
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
        "and \(counted(report.answers.count - shownAnswers, "more group that was", "more groups that were")) asked for, in the JSON report"
      )
    }
  }

  static func verdict(_ verdict: Verdict, _ page: inout HTMLCanvas) {
    page.element("span", [("class", "verdict \(verdict.rawValue)")], verdict.rawValue)
  }
}

extension Answer {
  /// Whether it is about this group and no other of the same number.
  func isAbout(_ group: GroupReport) -> Bool {
    self.group != nil && self.group == group.id && (incarnation ?? 0) == group.incarnation
  }
}
