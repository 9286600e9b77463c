import DMALedger
import TestSupport
import Testing

/// Who has commit f429378a9bf8. The first releases are those of the stable announcements: 6.6-rc1, 6.5.3, 6.4.16 and 6.1.53;
/// the 5.19, 6.0, 6.2 and 6.3 series ended before it.
@Suite("The fix and the kernel's release")
struct TestRemoveFixTests {
  /// A bind that leaks, or on a fixed kernel does not, an unbind, and the refusal; with the log's banner beside it.
  private func report(
    _ release: String?, isFixed: Bool = false, _ evidence: Scenario.Evidence = .arguments,
    rest: String = "(gcc 12.2.0) #1 SMP"
  ) -> Report {
    let story = Scenario()
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove()
      if isFixed { $0.unuse() }
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.query(45)
    var analyzer = Analyzer()
    if let release {
      let banner = "[    0.000000] Linux version \(release) \(rest)\n"
      analyzer.read(bytes: Array(banner.utf8), name: "dmesg.txt")
    }
    analyzer.read(bytes: Array(story.text(evidence).utf8), name: "trace.txt")
    return analyzer.finish()
  }

  private func kernelStep(_ report: Report) -> String { report.answers.first?.steps.last?.text ?? "" }

  @Test(
    "a release before the first one that has it lacks it, and is told what to boot",
    arguments: [
      ("6.1.30", "6.1.53"), ("6.1.52", "6.1.53"), ("6.4.15", "6.4.16"), ("6.5.2", "6.5.3"),
      ("6.5.0-rc7", "6.5.3"),
    ])
  func lacks(release: String, first: String) {
    let report = report(release)
    #expect(report.kernel.fix == .lacksByRelease)
    #expect(
      kernelStep(report)
        == "this kernel (\(release)) lacks f429378a9bf8, which came to its series with \(first)")
    #expect(report.answers.first?.fix.hasPrefix("boot \(first) or later") == true)
  }

  @Test(
    "a distribution's own number does not tell, where the commit came to the series",
    arguments: [
      ("6.1.0-13-amd64", "6.1.53"), ("6.5.0-14-generic", "6.5.3"), ("6.4.0-150600.23.7-default", "6.4.16"),
    ])
  func ownNumber(release: String, first: String) {
    let report = report(release)
    #expect(report.kernel.fix == .lacksByBehaviour)
    #expect(
      kernelStep(report).hasPrefix(
        "this kernel (\(release)) behaves as one without f429378a9bf8, which came to its series with \(first); "
      ))
    #expect(kernelStep(report).contains("does not tell which"))
    #expect(report.answers.first?.fix.hasPrefix("boot a kernel built with f429378a9bf8") == true)
    #expect(self.report(release, isFixed: true).kernel.fix == .hasByBehaviour)
  }

  /// Banners of Debian 12 and of Ubuntu 23.10, shortened in the middle.
  @Test(
    "the banner of a distribution tells what it is built from",
    arguments: [
      (
        "6.1.0-12-amd64",
        "(debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.52-1 (2023-09-07)",
        "6.1.52-1", FixStanding.lacksByRelease
      ),
      (
        "6.1.0-13-amd64",
        "(debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)",
        "6.1.55-1", .lacksInSpite
      ),
      (
        "6.5.0-9-generic",
        "(buildd@lcy02) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-4ubuntu3) 13.2.0) #9-Ubuntu SMP (Ubuntu 6.5.0-9.9-generic 6.5.3)",
        "6.5.3", .lacksInSpite
      ),
    ] as [(String, String, String, FixStanding)])
  func banner(release: String, rest: String, upstream: String, standing: FixStanding) {
    let report = report(release, rest: rest)
    #expect(report.kernel.release == release)
    #expect(report.kernel.fix == standing)
    #expect(kernelStep(report).contains("this kernel (\(release), built from \(upstream))"))
  }

  @Test(
    "series that ended without it have no release to wait for",
    arguments: ["5.19.17", "6.0.19", "6.2.16", "6.3.13"])
  func ended(release: String) {
    let report = report(release)
    #expect(report.kernel.fix == .lacksByRelease)
    #expect(kernelStep(report).hasSuffix("series ended without it, so take 6.6 or later"))
    #expect(report.answers.first?.fix.hasPrefix("boot 6.6 or later") == true)
  }

  @Test(
    "behaviour outweighs a release that has it",
    arguments: [
      ("6.1.53", "a tree from which the commit was taken out is likely"), ("6.4.16", "a tree from which"),
      ("6.5.3", "a tree from which"), ("6.6.0-rc1", "a tree from which"),
      ("7.3.4-g1a2b3c4d", "a tree from which"),
      ("6.12.0-55.9.1.el10_0.x86_64", "a vendor tree that left the commit out is likely"),
    ])
  func lacksInSpite(release: String, likely: String) {
    let report = report(release)
    #expect(report.kernel.fix == .lacksInSpite)
    #expect(kernelStep(report).contains("behaves as if it had not: \(likely)"))
    #expect(
      kernelStep(report).contains(
        "the counts that were read leave no room for an unuse that was not recorded"))
    #expect(report.answers.first?.fix.hasPrefix("boot a kernel built with f429378a9bf8 or without") == true)
  }

  @Test("without counts the passes speak, and an unuse elsewhere that was recorded")
  func withoutCounts() {
    let report = report("6.1.60", .groups)
    let text = report.findings.first { $0.rule == .testRemoveActive }?.message ?? ""
    #expect(report.kernel.fix == .lacksInSpite)
    #expect(text.contains("because the only second pass shows it and an unuse was recorded elsewhere"))
  }

  @Test("a release that lacks it and behaves fixed got it by backport", arguments: ["6.1.30", "5.19.17"])
  func backported(release: String) {
    let report = report(release, isFixed: true)
    #expect(report.kernel.fix == .backported)
    let note = report.findings.first { $0.rule == .testRemoveActive }
    #expect(note?.message.contains("its release is older: the commit was backported") == true)
  }

  @Test(
    "release and behaviour may agree that it is there", arguments: ["6.1.53", "6.6.0", "6.12.1", "7.3.4"])
  func has(release: String) {
    #expect(report(release, isFixed: true).kernel.fix == .has)
  }

  @Test("a kernel from before ownership had it brought in by its vendor")
  func olderThanOwnership() {
    let report = report("5.14.0-503.11.1.el9_5.x86_64")
    #expect(report.kernel.fix == .lacksByBehaviour)
    #expect(kernelStep(report).contains("is older than DMA ownership itself"))
  }

  @Test("an unknown release is told how to be found out", arguments: [nil, "next-20260101"] as [String?])
  func unknown(release: String?) {
    let report = report(release)
    #expect(report.kernel.fix == .lacksByBehaviour)
    #expect(kernelStep(report).contains("came with 6.6, 6.5.3, 6.4.16 and 6.1.53"))
    #expect(kernelStep(report).contains("`uname -r`") == (release == nil))
  }

  @Test("a refusal that has another cause is not answered with the fix")
  func notForHolders() {
    let story = Scenario()
    story.group(45, nic, audio)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.query(45)
    let answer = TestSupport.report(on: story.text(.arguments)).answers.first
    #expect(answer?.cause == .holder)
    #expect(answer.map { !($0.fix + $0.steps.map(\.text).joined()).contains("f429378a9bf8") } == true)
  }
}
