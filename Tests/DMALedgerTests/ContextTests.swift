import DMALedger
import TestSupport
import Testing

/// What a record's context says, and what must be read out of it.
struct RecordedContext: Sendable, CustomTestStringConvertible {
  let text: String
  var comm: String?
  var pid: Int?
  var cpu: Int?
  var time: Int64?

  var testDescription: String { text }

  init(_ text: String, _ comm: String, _ pid: Int, _ cpu: Int, _ time: Int64) {
    self.text = text
    self.comm = comm
    self.pid = pid
    self.cpu = cpu
    self.time = time
  }
}

@Suite("Who, where and when in front of a record")
struct ContextTests {
  // MARK: Contexts as recorded, with a body of ours behind

  static let kernel: [RecordedContext] = [
    RecordedContext("            bash-112     [000] ...1.    34.497897: ", "bash", 112, 0, 34_497_897_000),
    RecordedContext("          <idle>-0       [001] ..s1.   196.730793: ", "<idle>", 0, 1, 196_730_793_000),
    RecordedContext(
      "            bash-112     (    112) [000] .....    46.624735: ", "bash", 112, 0, 46_624_735_000),
    RecordedContext(
      "          <idle>-0       (-------) [001] d..2.    34.969607: ", "<idle>", 0, 1, 34_969_607_000),
    RecordedContext("            bash-112     [000] d....  65268307412: ", "bash", 112, 0, 65_268_307_412),
    RecordedContext("            bash-112     [000] d....            3: ", "bash", 112, 0, 3),
    RecordedContext("            bash-112     [000] d....         2148: ", "bash", 112, 0, 2148),
    RecordedContext(
      "            bash-112     [000] d....  1795335326.654727: ", "bash", 112, 0, 1_795_335_326_654_727_000),
    RecordedContext(
      " exactly15chars!-220     (    220) [001] ...1.   220.655931: ", "exactly15chars!", 220, 1,
      220_655_931_000),
    RecordedContext("            bash-110     [000]     17.329139: ", "bash", 110, 0, 17_329_139_000),
    RecordedContext("            bash-112     [001] .N.2.    31.822286: ", "bash", 112, 1, 31_822_286_000),
    RecordedContext(
      "            bash-112     (    112) [001] dls4.    34.961853: ", "bash", 112, 1, 34_961_853_000),
    RecordedContext(
      "          <idle>-0       (-------) [001] dNh2.    34.972503: ", "<idle>", 0, 1, 34_972_503_000),
    RecordedContext(
      "           <...>-4194303 [012] d..1.   100.000001: ", "<...>", 4_194_303, 12, 100_000_001_000),
    RecordedContext(
      "           <...>-77      [1023] X..1f  99999.000001: ", "<...>", 77, 1023, 99_999_000_001_000),
    RecordedContext("          <XXX>-112      [000] d.h1.    34.497897: ", "<XXX>", 112, 0, 34_497_897_000),
  ]

  static let hostile: [RecordedContext] = [
    RecordedContext(
      "  ev] [001] 1.2:-217     (    217) [001] ...1.   219.727972: ", "ev] [001] 1.2:", 217, 1,
      219_727_972_000),
    RecordedContext(
      " a]  [000] d..1.-117     (    117) [000] ...1.    10.709299: ", "a]  [000] d..1.", 117, 0,
      10_709_299_000),
    RecordedContext(
      " kworker/u8:1-ev-219     (    219) [001] ...1.   220.398326: ", "kworker/u8:1-ev", 219, 1,
      220_398_326_000),
    RecordedContext(
      "              -7-224     (    224) [001] ...1.   222.287800: ", "-7", 224, 1, 222_287_800_000),
    RecordedContext(
      "                -115     (    115) [001] .....    10.634106: ", "", 115, 1, 10_634_106_000),
    RecordedContext(
      "            x-12-218     (    218) [001] ...1.   220.058094: ", "x-12", 218, 1, 220_058_094_000),
    RecordedContext(
      "             a b-216     (    216) [001] ...1.   219.486241: ", "a b", 216, 1, 219_486_241_000),
    RecordedContext("            café-216     [001] ...1.   219.486241: ", "café", 216, 1, 219_486_241_000)
      .paddedForBytes,
    RecordedContext("            1) x-216     [001] ...1.   219.486241: ", "1) x", 216, 1, 219_486_241_000),
    RecordedContext(
      "         123:4-5-216     [001] ...1.   219.486241: ", "123:4-5", 216, 1, 219_486_241_000),
  ]

  static let latency: [RecordedContext] = [
    RecordedContext("    bash-112       0..... 94548us*: ", "bash", 112, 0, 94_548_000),
    RecordedContext("kworker/-54        1d..4. 92572us+: ", "kworker/", 54, 1, 92_572_000),
    RecordedContext("ev] [001-217       1..... 267397us@: ", "ev] [001", 217, 1, 267_397_000),
    RecordedContext("    bash-110       0..... 177531us : ", "bash", 110, 0, 177_531_000),
    RecordedContext("    bash-112       0d....    9: ", "bash", 112, 0, 9),
    RecordedContext("#hashtag-112       0d.... 94548us!: ", "#hashtag", 112, 0, 94_548_000),
    RecordedContext("  <idle>-0        12dNs4. 94548us$: ", "<idle>", 0, 12, 94_548_000),
    RecordedContext(
      "            bash     112   0 1 00000000 00000000 [010c3aee] 194.235ms (+87.615ms): ", "bash", 112, 0,
      194_235_000),
  ]

  static let tools: [RecordedContext] = [
    RecordedContext("            bash-145   [001]    14.545058: ", "bash", 145, 1, 14_545_058_000),
    RecordedContext("            bash-145   [001]    14.545057955: ", "bash", 145, 1, 14_545_057_955),
    RecordedContext("    bash-145     1d....    14.545058: ", "bash", 145, 1, 14_545_058_000),
    RecordedContext("    bash-145     1d....    14.545057955: ", "bash", 145, 1, 14_545_057_955),
    RecordedContext("            bash-145   [001] 14446872626: ", "bash", 145, 1, 14_446_872_626),
    RecordedContext("            bash-337   [000]764604471526: ", "bash", 337, 0, 764_604_471_526),
    RecordedContext("foo:             bash-357   [001]   354.798031: ", "bash", 357, 1, 354_798_031_000),
    RecordedContext("            bash-145   [001] d....    14.545058: ", "bash", 145, 1, 14_545_058_000),
    RecordedContext("            bash-145   [001] -0x1    14.545058: ", "bash", 145, 1, 14_545_058_000),
    RecordedContext(
      "            bash-145   [001]  1795336745.605975: ", "bash", 145, 1, 1_795_336_745_605_975_000),
    RecordedContext("            bash-145   [001]     0.000000: ", "bash", 145, 1, 0),
    RecordedContext("            bash-145   [001]    14.545058: (+98185) ", "bash", 145, 1, 14_545_058_000),
    RecordedContext("            bash-145   [001]    14.446873:          ", "bash", 145, 1, 14_446_873_000),
    RecordedContext(
      "            bash   126 [000]    16.080873:             ", "bash", 126, 0, 16_080_873_000),
    RecordedContext("bash   138 [001]    61.260062: ", "bash", 138, 1, 61_260_062_000),
    RecordedContext(
      "            bash   126/126   [000]    16.080873123:    ", "bash", 126, 0, 16_080_873_123),
    RecordedContext(
      " kworker/0:0-mm_   100/101   [003]    16.080873:    ", "kworker/0:0-mm_", 101, 3, 16_080_873_000),
  ]

  static let wrapped: [RecordedContext] = [
    RecordedContext("bash-112     [000] ...1.    34.497897: ", "bash", 112, 0, 34_497_897_000),
    RecordedContext(" bash-112 [000] ...1. 34.497897: ", "bash", 112, 0, 34_497_897_000),
    RecordedContext("x-12-218 (    218) [001] ...1.   220.058094: ", "x-12", 218, 1, 220_058_094_000),
    RecordedContext("290-       trace-cmd-294   [001]   169.982094: ", "trace-cmd", 294, 1, 169_982_094_000),
    RecordedContext("1016:       trace-cmd-294   [001]   169.983527: ", "trace-cmd", 294, 1, 169_983_527_000),
    RecordedContext("12:    bash-112       0..... 94548us*: ", "bash", 112, 0, 94_548_000),
    RecordedContext(
      "[  236.423900]             bash-112     [000] ...1.    34.497897: ", "bash", 112, 0, 34_497_897_000),
    RecordedContext("<0>[  232.913177]     bash-110       1d.... 446438us : ", "bash", 110, 1, 446_438_000),
  ]

  @Test(
    "task, CPU and time come out of every context",
    arguments: kernel + hostile + latency + tools + wrapped)
  func contexts(context: RecordedContext) {
    let body =
      "unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:00:03.0\" drv=\"e1000e\" grp=1 cnt=8\n"
    let report = report(on: context.text + body)
    #expect(report.unparsedLines == 0)
    #expect(report.changes.count == 1)
    let change = report.changes.first
    #expect(change?.call == .unuse)
    #expect(change?.device == "0000:00:03.0")
    #expect(change?.driver == "e1000e")
    #expect(change?.comm == context.comm)
    #expect(change?.pid == context.pid)
    #expect(change?.cpu == context.cpu)
    #expect(change?.time?.value == context.time)
    #expect(change?.before == Count(exactly: 8))
    #expect(change?.after == Count(exactly: 7))
    #expect(report.sources[0].firstTime?.value == context.time)
  }

  @Test("a comm with a newline in it is one record")
  func newlineComm() {
    let report = report(
      on: """
                    bash-112     [000] ...1.    13.006806: tracing_mark_write: before
                    nl
        x-133     [001] ...1.    13.006806: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:00:03.0" grp=1 cnt=8

        """)
    #expect(report.unparsedLines == 0)
    #expect(report.diagnostics.isEmpty)
    #expect(report.changes.map(\.pid) == [133])
    #expect(report.changes.map(\.cpu) == [1])
  }

  @Test(
    "what only resembles a context is no record",
    arguments: [
      "            bash-112     [000] ...1.    34.497897 tracing_mark_write: hello",
      "            bash-112     (000) ...1.    34.497897: x: y",
      "            bash-        [000] ...1.    34.497897: x: y",
      "            bash-112     [00] ...1.    34.497897: x: y",
      "            bash-112     [000] ....\u{1}    34.497897: x: y",
      "Nov 22 07:49:15 host bash[112]: really_probe",
      "really_probe",
      "-",
      "                -",
      "            bash-112     [000",
      "            bash-112     [000] ...1.    34.4978",
      "            bash-99999999999999999999 [000] ...1.    34.497897: x: y",
    ])
  func noRecord(line: String) {
    let report = report(on: line + "\n")
    #expect(report.sources[0].events == 0)
    #expect(report.sources[0].firstTime == nil)
    #expect(report.unparsedLines == 1)
    #expect(report.sources[0].unparsed.first?.firstLine == 1)
    #expect(report.verdict == .inconclusive)
  }

  @Test("a time so far in the future that it does not fit is no record, and no crash")
  func absurdTimes() {
    for time in [
      "99999999999.000000", "999999999999999999", "0.0000000000000000001", "9223372036854775807us",
    ] {
      let line =
        "            bash-112     [000] ...1.  \(time): x: y\n    bash-112       0..... \(time)us : x: y\n"
      #expect(report(on: line).verdict == .inconclusive)
    }
  }
}

extension RecordedContext {
  /// The comm column is sixteen bytes, not sixteen characters.
  fileprivate var paddedForBytes: RecordedContext {
    RecordedContext(
      String(text.dropFirst(comm.map { $0.utf8.count - $0.count } ?? 0)), comm ?? "", pid ?? 0, cpu ?? 0,
      time ?? 0)
  }
}
