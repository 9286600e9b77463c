import DMALedger
import TestSupport
import Testing

@testable import LedgerReports

@Suite("Sentences of reports for people")
struct SentenceTests {
  private func text(_ sources: [String]) -> String {
    TextReport.render(report(onFiles: sources), style: TextStyle(width: 400))
  }

  private static func line(_ time: String, _ body: String) -> String {
    "            init-1       [001] .....  \(time): \(body)\n"
  }
  private static func use(_ time: String, _ fields: String) -> String {
    line(time, "use: (iommu_device_use_default_domain+0x0/0x8c) \(fields)")
  }

  @Test("a number and its noun agree", arguments: [(0, "0 passes"), (1, "1 pass"), (2, "2 passes")])
  func nouns(number: Int, words: String) {
    #expect(counted(number, "pass", "passes") == words)
    #expect(counted(number, "line") == (number == 1 ? "1 line" : "\(number) lines"))
  }

  @Test("one call, one event and one line are told as one")
  func one() {
    let text = text([Self.line("8.000001", "iommu_device_use_default_domain <-really_probe")])
    #expect(text.contains("1 ownership call cannot be given to a group"))
    #expect(text.contains("1 line, 1 event on ownership"))
    #expect(
      text.contains("Which groups were used nothing says: the calls were recorded without their groups."))
    #expect(text.contains("`dmesg` of the same boot"))
  }

  /// A bind that leaks, at seven times one after the other.
  private static func leak(_ device: String, _ pointer: String, _ time: (Int) -> String) -> String {
    let fields = "dev=\"\(device)\" drv=\"e1000e\" grp=\(pointer)"
    let returned = "use_ret: (really_probe+0x12d/0x3c0 <- iommu_device_use_default_domain) ret=0"
    return line(time(1), "rp: (really_probe+0x0/0x396) dev=\"\(device)\" drv=\"e1000e\"")
      + use(time(2), fields + " cnt=0") + line(time(3), returned)
      + line(time(4), "remove: (device_remove+0x0/0x52) dev=\"\(device)\"")
      + use(time(5), fields + " cnt=1") + line(time(6), returned)
      + line(time(7), "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0")
  }

  @Test("ticks are no seconds")
  func ticks() {
    let text = text([
      "# tracer: nop\n#\n" + Self.leak("0000:00:03.0", "0xff110001005f6900") { "       307\($0)" }
    ])
    #expect(text.contains("3071 to 3077 ticks"))
    #expect(text.contains("since tick 3073"))
    #expect(text.contains("  tick  call"))
    #expect(text.contains("at tick 3073"))
    #expect(!text.contains("0.00000"))
  }

  @Test("groups without a number are counted, not named by question marks")
  func withoutNumber() {
    let one = Self.leak("0000:00:03.0", "0xff110001005f6900") { "8.00000\($0)" }
    let two = Self.leak("0000:00:04.0", "0xff110001005f7700") { "9.00000\($0)" }
    #expect(
      text([one]).contains("\nA group without known number keeps 1 reference that nobody will give back."))
    #expect(
      text([one + two]).contains(
        "\n2 groups without known number keep 2 references that nobody will give back."))
  }
}
