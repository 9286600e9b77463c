import DMALedger
import Foundation
import TestSupport
import Testing

/// What the report opens with: why a group that somebody asked for could not be had.
@Suite("Answers")
struct AnswerTests {
  private struct Truth: Decodable {
    struct Refusal: Decodable { var group, count: Int }
    var not_viable: [Refusal]
  }

  private func report(_ folder: String, _ files: [String], asking questions: [Question] = []) throws -> Report
  {
    var options = Analyzer.Options()
    options.questions = questions
    var analyzer = Analyzer(options: options)
    for file in files { analyzer.read(bytes: try Checkout.bytes("samples/\(folder)/\(file)"), name: file) }
    return analyzer.finish()
  }

  private func story(_ scenario: Scenario, asking questions: [Question] = []) -> [Answer] {
    var options = Analyzer.Options()
    options.questions = questions
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(scenario.text(.arguments).utf8), name: "trace.txt")
    return analyzer.finish().answers
  }

  private func devices(_ holders: [Holder]) -> [String] {
    holders.map { "\($0.count ?? -1) \($0.driver ?? "?") \($0.device ?? "?")" }
  }

  // MARK: - Real captures

  @Test(
    "every refused group is answered, and its holders add up to the count it had",
    arguments: CaptureTests.withProbes)
  func addUp(folder: String) throws {
    let truth = try JSONDecoder().decode(
      Truth.self, from: Data(try Checkout.bytes("samples/\(folder)/truth.json")))
    let answers = try report(folder, ["trace.txt"]).answers
    #expect(answers.map { $0.group?.value ?? -1 } == Set(truth.not_viable.map(\.group)).sorted())
    for answer in answers {
      let real = truth.not_viable.last { $0.group == answer.group?.value }?.count ?? -1
      let known = (answer.legitimate + answer.leaked).reduce(0) { $0 + ($1.count ?? 0) }
      #expect(known + (answer.unexplained?.exact ?? 0) == real, "group \(answer.group?.value ?? -1)")
      #expect(answer.unexplained == nil || answer.unexplained?.exact != nil)
    }
  }

  @Test("answers are sentences, and every line that they name is there", arguments: CaptureTests.folders)
  func sentences(folder: String) throws {
    let files = ["trace.txt", "dmesg.txt", "vmm.log", "groups.txt"].filter {
      FileManager.default.fileExists(atPath: Checkout.root.appending(path: "samples/\(folder)/\($0)").path)
    }
    for given in [["trace.txt"], files, files.filter { $0 != "trace.txt" }] where !given.isEmpty {
      let report = try report(folder, given)
      for answer in report.answers {
        #expect(answer.headline.hasSuffix(".") && !answer.headline.dropLast().hasSuffix("."))
        #expect(!answer.fix.hasSuffix(".") && !answer.fix.isEmpty)
        #expect(!answer.steps.isEmpty)
        for step in answer.steps {
          #expect(!step.text.hasSuffix("."))
          if let at = step.at { #expect((1...report.sources[at.source].lines).contains(at.line)) }
        }
      }
    }
  }

  @Test("a leak of the test-remove is told from the refusal back to the missing cleanup")
  func bootLeak() throws {
    let answers = try report("6.1-unfixed-boot-function+probes", ["trace.txt"]).answers
    let one = try #require(answers.first)
    #expect(one.cause == .leak && one.certainty == .proved)
    #expect(
      one.headline
        == "Group 1 is not viable because it still carries 1 reference that e1000e took for 0000:00:03.0 at "
        + "6.131624 s and nobody will give back.")
    #expect(devices(one.leaked) == ["1 e1000e 0000:00:03.0"])
    #expect(one.legitimate.isEmpty && one.unexplained == nil)
    // Refused, taken, taken again, one of the two given back: lines as `grep -n` finds them.
    #expect(one.steps.map { $0.at?.line } == [495, 239, 249, 474, nil])
    let nine = try #require(answers.last)
    #expect(devices(nine.leaked) == ["1 e1000 0000:02:01.0", "1 e1000 0000:02:02.0"])
    #expect(
      nine.steps.contains {
        $0.text.contains("once before") && $0.text.contains("0000:02:02.0 bound natively")
      })
  }

  @Test("a sibling on its native driver is a holder by right, and a later grant is told")
  func sibling() throws {
    let answers = try report("6.1-fixed-late-probes", ["trace.txt"]).answers
    let nine = try #require(answers.first)
    #expect(answers.count == 1)
    #expect(nine.cause == .holder && nine.certainty == .proved)
    #expect(devices(nine.legitimate) == ["1 e1000 0000:02:02.0"])
    #expect(nine.leaked.isEmpty)
    #expect(nine.headline.contains("was not viable at 9.689583 s"))
    #expect(nine.steps.last?.text == "later vfiocheck (pid 225) was told at 9.796005 s that it is viable")
    #expect(!nine.fix.contains("f429378a9bf8"))
  }

  @Test("a leak that came after the refusal does not explain it")
  func leaksTooLate() throws {
    let files = ["dmesg.txt", "groups.txt", "trace.txt", "vmm.log"]
    let answers = try report("7.3-unfixed-late-function", files).answers
    #expect(answers.map { $0.group?.value } == [1, 9])
    for answer in answers {
      #expect(answer.cause == .unknown && answer.certainty == .suspected)
      #expect(answer.leaked.isEmpty)
      #expect(
        answer.steps.contains { $0.text.contains("which most likely explains this") && $0.at?.source == 0 })
    }
  }

  @Test("logs alone say who asked, and that a listing of another moment tells nothing")
  func logsOnly() throws {
    let answers = try report("6.1-fixed-late-probes", ["dmesg.txt", "groups.txt", "vmm.log"]).answers
    #expect(answers.map { $0.group?.value } == [9])
    #expect(answers[0].cause == .unknown)
    #expect(answers[0].steps.contains { $0.text.contains("another moment") })
    #expect(answers[0].steps.allSatisfy { $0.at != nil })
    // The program got the group in the end, so nobody had left anything behind.
    #expect(answers[0].headline.hasPrefix("Group 9 was not viable"))
    #expect(answers[0].steps.last?.at == LineReference(source: 1, line: 24))
  }

  @Test("a refusal that no group can be named for is told without one")
  func unplaced() throws {
    let answers = try report("7.3-unfixed-late-graph-retval", ["trace.txt"]).answers
    #expect(answers.count == 1)
    #expect(answers[0].group == nil && answers[0].cause == .unknown)
  }

  // MARK: - Other causes

  @Test("another owner is named with the task that claimed")
  func owner() throws {
    let story = Scenario()
    story.group(45, nic)
    story.claim(45, .x)
    story.claim(45, .y, task: .otherVMM)
    let answer = try #require(self.story(story).first)
    #expect(answer.cause == .owner && answer.certainty == .proved)
    #expect(answer.headline.contains("because qemu-system-x86 (pid 900) claimed it"))
    #expect(answer.legitimate.map(\.kind) == [.owner])
    #expect(answer.leaked.isEmpty)
  }

  @Test("what stood in the way and is gone by the end is told in the past, and asking again is the remedy")
  func overByTheEnd() throws {
    let story = Scenario()
    story.group(45, nic, audio)
    story.probe(audio, "snd_hda_intel") {
      $0.use(); $0.bound()
    }
    story.query(45)
    let held = try #require(self.story(story).first)
    #expect(held.headline.contains("is not viable because \(audio) is still bound"))
    story.unbind(audio)
    let gone = try #require(self.story(story).first)
    #expect(gone.cause == .holder && devices(gone.legitimate) == ["1 snd_hda_intel \(audio)"])
    #expect(gone.headline.contains("was not viable") && gone.headline.contains("held 1 reference by right"))
    #expect(gone.fix.hasPrefix("ask again") && !gone.fix.contains("unbind"))
    #expect(gone.steps.last?.text == "nobody asked again, and its count is 0 at the end")
    let sibling = try #require(story.report(.arguments).findings.first { $0.rule == .siblingHolder })
    #expect(sibling.message.contains("was bound to snd_hda_intel") && sibling.remedy.hasPrefix("Nothing now"))

    let owned = Scenario()
    owned.group(45, nic)
    owned.claim(45, .x)
    owned.claim(45, .y, task: .otherVMM)
    owned.release(45)
    let freed = try #require(self.story(owned).first)
    #expect(freed.cause == .owner && freed.headline.contains("was not viable"))
    #expect(freed.fix == "ask again, for nothing holds it when the capture ends")
  }

  @Test("a holder that a capture without times shows is not said to be from before it")
  func noTimes() throws {
    let text = """
      # tracer: function_graph
      #
      # CPU  DURATION                  FUNCTION CALLS
      # |     |   |                     |   |   |   |
       0)               |  really_probe() {
       0)               |    iommu_device_use_default_domain() {
       0)               |    /* use: (iommu_device_use_default_domain+0x0/0x8c) dev="\(nic)" drv="e1000e" grp=0xff11000000de8400 id=45 cnt=0 own=0x0 */
       0)               |    /* use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0 */
       0)   7.315 us    |    }
       0) ! 285.670 us  |    driver_bound();
       0) @ 263579.8 us |  }

      """
    var options = Analyzer.Options()
    options.questions = [.group(45)]
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(text.utf8), name: "trace.txt")
    let answer = try #require(analyzer.finish().answers.first)
    #expect(answer.cause == .holder)
    #expect(answer.steps.map(\.text).contains("e1000e for \(nic) holds 1 by right"))
  }

  @Test("where the clock counts ticks no sentence speaks of seconds, and a remark says so")
  func ticks() throws {
    let line =
      "(iommu_device_use_default_domain+0x0/0x8c) dev=\"\(nic)\" drv=\"e1000e\" grp=0xff11000000de8400 id=45"
    let text = """
      # tracer: nop
       init-1 [000] ..... 5000: use: \(line) cnt=0 own=0x0
       init-1 [000] ..... 6000: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0
       init-1 [000] ..... 7000: bound: (driver_bound+0x0/0x52) dev="\(nic)"

      """
    var options = Analyzer.Options()
    options.questions = [.group(45)]
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(text.utf8), name: "trace.txt")
    let report = analyzer.finish()
    #expect(
      report.answers.flatMap(\.steps).map(\.text).contains(
        "e1000e for \(nic) holds 1 by right since tick 6000"))
    #expect(
      report.diagnostics.contains { $0.source == 0 && $0.message.contains("counts ticks and not time") })
  }

  @Test("a listing that no call confirms proves no leak, whatever the count")
  func unconfirmedListing() throws {
    let story = Scenario()
    story.group(45, nic, count: 2)
    story.query(45)
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(story.text(.arguments).utf8), name: "trace.txt")
    analyzer.read(bytes: Array("\(nic) group=45 driver=\n".utf8), name: "groups.txt")
    let report = analyzer.finish()
    #expect(report.verdict == .inconclusive)
    #expect(!report.findings.contains { $0.message.contains("to nobody") || $0.rule == .excessCount })
    #expect(report.answers.map(\.cause) == [.unknown])
  }

  @Test("members that no call names may hold one each, and only the rest belongs to nobody")
  func idleMember() throws {
    let story = Scenario()
    story.group(45, nic, audio, count: 5)
    story.alreadyBound(nic, "e1000e")
    story.unbind(nic)
    story.query(45)
    let trace = story.text(.arguments)
    for (listed, least) in [("\(audio) group=45 driver=\n", 3), ("", 4)] {
      var analyzer = Analyzer()
      analyzer.read(bytes: Array(trace.utf8), name: "trace.txt")
      analyzer.read(bytes: Array("\(nic) group=45 driver=\n\(listed)".utf8), name: "groups.txt")
      let report = analyzer.finish()
      let answer = try #require(report.answers.first)
      #expect(answer.cause == .leak && answer.certainty == .consistent)
      #expect(answer.leaked.map(\.count) == [least])
      #expect(answer.unexplained?.exact == (listed.isEmpty ? nil : 1))
      let excess = report.findings.first { $0.rule == .excessCount }
      #expect(excess?.message.contains("at least") == !listed.isEmpty)
      let refusal = report.findings.first { $0.rule == .notViable }
      #expect(refusal?.message.contains("At least \(least) belong to nobody") == !listed.isEmpty)
      #expect(refusal?.message.contains("every member of the group is accounted for") == listed.isEmpty)
    }
  }

  // MARK: - Questions

  @Test(
    "a device is found by its address with and without the domain", arguments: ["0000:00:03.0", "00:03.0"])
  func byDevice(name: String) throws {
    let answers = try report("6.1-unfixed-boot-function+probes", ["trace.txt"], asking: [.device(name)])
      .answers
    #expect(answers.map { $0.group?.value } == [1, 9])
    #expect(answers[0].device == "0000:00:03.0" && answers[1].device == nil)
  }

  @Test("a group that nobody was refused is answered by how it stands")
  func standing() throws {
    let answers = try report("6.1-unfixed-boot-function+probes", ["trace.txt"], asking: [.group(6)]).answers
    #expect(answers.map { $0.group?.value } == [6, 1, 9])
    #expect(answers[0].cause == .leak)
    #expect(devices(answers[0].leaked) == ["1 xhci_hcd 0000:00:08.0"])
    #expect(devices(answers[0].legitimate) == ["1 xhci_hcd 0000:00:08.0"])
    let story = Scenario()
    story.group(7, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    #expect(self.story(story).isEmpty)
    #expect(self.story(story, asking: [.group(7)]).map(\.cause) == [.holder])
    story.unbind(nic)
    story.query(7)
    let free = self.story(story, asking: [.group(7)])
    #expect(free.map(\.cause) == [.nothing])
    #expect(free[0].headline == "Group 7 can be had: nothing holds it when the capture ends.")
  }

  @Test("what the capture does not know is said, with what it does know")
  func absent() throws {
    let asked: [Question] = [.group(99), .device("0000:ff:00.0")]
    let answers = try report("6.1-unfixed-late-probes", ["trace.txt"], asking: asked).answers
    #expect(answers.prefix(2).map(\.cause) == [.absent, .absent])
    #expect(answers[0].headline == "Nothing in what was given names group 99.")
    #expect(answers[1].headline == "Nothing in what was given names device 0000:ff:00.0.")
    #expect(
      answers[0].steps.map(\.text) == [
        "what it knows are the groups 1 (0000:00:03.0) and 9 (0000:02:01.0 and 0000:02:02.0)"
      ])
  }

  @Test("a device that is named without a group is told to be so")
  func groupless() throws {
    // i8042 goes through the same calls in the boot capture and has no group.
    let answers = try report(
      "6.1-unfixed-boot-function+probes", ["trace.txt"], asking: [.device("i8042")]
    ).answers
    #expect(answers[0].group == nil && answers[0].device == "i8042")
    #expect(answers[0].cause == .unknown)
    #expect(answers[0].headline.hasPrefix("Device i8042 is named in what was given, and no group with it"))
  }

  @Test("a group that only a listing knows is answered by its members")
  func listedOnly() throws {
    let files = ["groups.txt", "trace.txt"]
    let answers = try report("6.1-unfixed-late-probes", files, asking: [.device("0000:00:07.0")]).answers
    #expect(answers[0].group?.value == 5)
    #expect(answers[0].cause == .unknown)
    #expect(answers[0].steps.map(\.text).contains("0000:00:07.0 has no driver"))
  }
}
