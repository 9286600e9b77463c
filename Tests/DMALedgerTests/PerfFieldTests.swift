import DMALedger
import TestSupport
import Testing

/// `perf script -F` leaves out what it is told to; `process_event()` of builtin-script.c prints what is left.
@Suite("The fields of perf script")
struct PerfFieldTests {
  private struct Record {
    var time: String
    var event: String
    var body: String
  }

  private let records = [
    Record(
      time: "16.080873", event: "own:use",
      body: "(ffffffff812a6a4b) dev=\"0000:03:00.0\" drv=\"e1000e\" grp=0xff11000000de8400 id=7 cnt=0"),
    Record(time: "16.080899", event: "own:use_ret", body: "(ffffffff812a6a4b <- ffffffff812b234d) ret=0"),
    Record(time: "16.090001", event: "printk:console", body: "pci 0000:03:00.0: Adding to iommu group 7"),
    Record(
      time: "17.000001", event: "own:unuse",
      body: "(ffffffff812a6a92) grp=0xff11000000de8400 id=7 cnt=1 dev=\"0000:03:00.0\" drv=\"e1000e\""),
  ]

  private func told(_ line: (Record) -> String) -> Report {
    report(on: records.map { line($0) + "\n" }.joined(), name: "perf.txt")
  }

  private func check(_ report: Report, hasTimes: Bool) {
    #expect(report.sources[0].format == "perf script")
    #expect(report.sources[0].unparsed == [])
    #expect(report.changes.map(\.call) == [.use, .unuse])
    #expect(report.changes.map(\.device) == ["0000:03:00.0", "0000:03:00.0"])
    #expect(report.changes.map(\.driver) == ["e1000e", "e1000e"])
    #expect(report.groups.first?.final.exact == 0)
    #expect((report.sources[0].firstTime?.value == 16_080_873_000) == hasTimes)
  }

  @Test("a record is read without its CPU, its time, its task and its name")
  func fewer() {
    check(told { "            bash   126 \($0.time): \($0.event): \($0.body)" }, hasTimes: true)
    check(told { "            bash   126/126   \($0.time): \($0.event): \($0.body)" }, hasTimes: true)
    check(told { "[000] \($0.time): \($0.event): \($0.body)" }, hasTimes: true)
    check(told { "   \($0.time): \($0.event): \($0.body)" }, hasTimes: true)
    check(told { "            bash   126 [000] \($0.event): \($0.body)" }, hasTimes: false)
    check(told { "            bash   126 \($0.event): \($0.body)" }, hasTimes: false)
    check(told { "     \($0.event): \($0.body)" }, hasTimes: false)
  }

  @Test("a period in front of the event and an address behind the record are no part of it")
  func more() {
    check(
      told { "            bash   126 [000] \($0.time):          1 \($0.event): \($0.body)" }, hasTimes: true)
    check(told { "            bash   126 \($0.time):          1 \($0.event): \($0.body)" }, hasTimes: true)
    check(
      told {
        "            bash   126 [000] \($0.time): \($0.event): \($0.body)  ffffffff812a6a92 iommu_x+0x1 ([kernel.kallsyms])"
      }, hasTimes: true)
  }

  @Test("a sentence with colons is no record")
  func sentences() {
    for line in [
      "retry 3 std:vector: gave up", "12:30:45 job 17 db:main: (done) ok", "[000] x y own:use: nothing",
    ] {
      #expect(report(on: line + "\n", name: "x.txt").sources[0].format != "perf script", "\(line)")
    }
  }
}
