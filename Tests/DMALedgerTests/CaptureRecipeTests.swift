import DMALedger
import Foundation
import TestSupport
import Testing

/// What would settle an open question: no more than is missing, in the words of the kernel it is for, ready to be pasted.
@Suite("Capture recipes")
struct CaptureRecipeTests {
  private func report(_ texts: [String], release: String? = nil) -> Report {
    let banner = release.map { ["[    0.000000] Linux version \($0) (gcc 12.2.0) #1 SMP\n"] } ?? []
    return TestSupport.report(onFiles: banner + texts)
  }

  /// Of a capture that begins when the count is already 1.
  private var startRecipe: [String] {
    let story = Scenario()
    story.group(45, nic, audio, count: 1)
    story.query(45)
    let listing = "\(nic) group=45 driver=vfio-pci\n\(audio) group=45 driver=\n"
    return report([story.text(.arguments), listing]).recipe
  }

  /// The functions that a recipe watches: `use_x` is their return by name, `use_ret` by offset.
  private func probes(_ report: Report) -> [String] {
    report.recipe.filter { $0.contains(":own/") }.map { line in
      String(line.drop { $0 != "/" }.dropFirst().prefix { $0 != " " })
    }
  }

  /// A group that the capture finds at work, a bind, an unbind and a refusal.
  private func late() -> Scenario {
    let story = Scenario()
    story.group(45, nic, audio, count: 3)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.query(45)
    return story
  }

  // MARK: - No more than is missing

  @Test("a closed question needs nothing")
  func nothing() {
    let story = Scenario()
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.query(45)
    for evidence in [Scenario.Evidence.arguments, .numbers] {
      #expect(report([story.text(evidence)]).recipe.isEmpty)
    }
  }

  @Test("names alone need arguments and return codes")
  func names() {
    #expect(
      probes(report([late().text(.names)], release: "6.1.60"))
        == ["use", "unuse", "claim", "rel", "query", "use_ret", "claim_ret", "query_ret"])
    #expect(
      probes(report([late().text(.names)], release: "6.12.1"))
        == ["use", "unuse", "rel", "drel", "use_x", "claim_x", "query_x", "dclaim_x"])
  }

  @Test("return codes without names need arguments only")
  func returnCodes() {
    let report = report([late().text(.returnCodes)], release: "6.1.60")
    #expect(probes(report) == ["use", "unuse", "claim", "rel", "query"])
  }

  @Test("where nobody watches who gives back only that is asked for")
  func unuse() {
    let story = Scenario()
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.unbind(nic)
    let report = report([story.text(.uses)], release: "6.12.1")
    #expect(report.verdict == .inconclusive)
    #expect(probes(report) == ["unuse"])
    #expect(report.recipe.first == "# missing is only who gives back: add to the probes that are there")
  }

  @Test("where groups are named and counts are not, the refusal shall read it")
  func counts() {
    let report = report([late().text(.groups)], release: "6.12.1")
    #expect(report.verdict == .inconclusive)
    #expect(probes(report) == ["query"])
  }

  private func line(_ label: String, _ function: String, _ fields: String) -> String {
    "            init-1       [001] .....     5.000001: \(label): (\(function)+0x0/0x49) \(fields)\n"
  }

  @Test("a claim that may have been refused needs its return code only")
  func returns() {
    let claim = line("claim", "iommu_group_claim_dma_owner", "grp=0xff110001005f6900 id=45 cnt=0 own=0x0")
    let report = report([claim], release: "6.1.60")
    #expect(report.verdict == .inconclusive)
    #expect(probes(report) == ["claim_ret"])
    // Return codes need no offsets.
    #expect(!report.recipe.contains { $0.contains("pahole") })
  }

  @Test("uses without code and count need both")
  func returnsAndCounts() {
    let use = line("use", "iommu_device_use_default_domain", "dev=\"\(nic)\" grp=0xff110001005f6900 id=45")
    let unuse = line(
      "unuse", "iommu_device_unuse_default_domain", "dev=\"\(audio)\" grp=0xff110001005f6900 id=45")
    #expect(probes(report([use + unuse], release: "6.1.60")) == ["use_ret", "query"])
  }

  @Test("exact counts whose holders are not known need a listing only")
  func members() {
    let report = report([late().text(.arguments)])
    #expect(report.verdict == .inconclusive)
    #expect(probes(report).isEmpty)
    #expect(report.recipe.last == "(find /sys/kernel/iommu_groups -type l; lspci -Dnnk) > groups.txt")
    #expect(report.recipe.count == 2)
  }

  @Test("with every member listed only a capture from boot on is left")
  func start() {
    let story = Scenario()
    story.group(45, nic, audio, count: 1)
    story.query(45)
    let listing = "\(nic) group=45 driver=vfio-pci\n\(audio) group=45 driver=\n"
    let report = report([story.text(.arguments), listing], release: "6.12.1")
    #expect(report.verdict == .inconclusive)
    #expect(
      report.recipe.contains {
        $0.hasPrefix(#"echo "trace_clock=global trace_buf_size=16M kprobe_event=\"p:rp,really_probe,"#)
      })
    #expect(!report.recipe.contains { $0.contains("lspci") || $0.contains("events/own/enable") })
  }

  /// iommufd's calls came with 6.2 (kernel-model 1.2).
  @Test(
    "iommufd's claim and release of a device are watched where the kernel has them",
    arguments: [("6.1.192", false), ("6.2.16", true), ("6.8.12", true), (nil, true)])
  func deviceClaims(release: String?, isThere: Bool) {
    let report = report([late().text(.names)], release: release)
    #expect(probes(report).contains("dclaim") == isThere)
    #expect(probes(report).contains("drel") == isThere)
    #expect(probes(report).contains("dclaim_ret") == isThere)
    // A line that a kernel refuses would take those behind it along.
    let block = report.recipe.prefix { $0 != "EOF" }
    #expect(block.contains { $0.contains("iommu_device_claim") } == (isThere && release != nil))
  }

  @Test("lost events need a larger buffer and nothing else")
  func loss() {
    let story = Scenario()
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.lost(300)
    let report = report([story.text(.arguments)], release: "6.12.1")
    #expect(report.verdict == .inconclusive)
    #expect(probes(report).isEmpty)
    #expect(report.recipe.contains { $0.hasPrefix("echo 65536 > /sys/kernel/tracing/buffer_size_kb") })
    #expect(report.recipe.last == "cat /sys/kernel/tracing/trace > trace.txt")
  }

  @Test("without any call everything is needed")
  func calls() {
    let log = "qemu-system-x86_64: -device vfio-pci,host=\(nic): vfio \(nic): group 45 is not viable\n"
    let report = report([log], release: "6.12.1")
    #expect(
      probes(report) == [
        "rp", "rp_x", "use", "unuse", "rel", "drel", "use_x", "claim_x", "query_x", "dclaim_x",
      ])
    #expect(report.recipe.last?.contains("lspci") == true)
  }

  // MARK: - For this kernel

  @Test(
    "arguments are named from 6.9 on, and told by offset before and where the release is not known",
    arguments: [
      ("6.9.0", true), ("6.12.95-amd64", true), ("7.3.4", true), ("6.8.12", false), ("6.1.192", false),
      (nil, false),
    ])
  func route(release: String?, isNamed: Bool) {
    let report = report([late().text(.names)], release: release)
    #expect(report.recipe.contains { $0.hasSuffix("/dynamic_events <<'EOF'") } == isNamed)
    #expect(report.recipe.contains { $0.hasSuffix("/kprobe_events <<EOF") } == !isNamed)
    #expect(report.recipe.contains { $0.contains("pahole") } == !isNamed)
  }

  /// Runs the lines of a recipe in a shell whose tracefs is a folder and whose pahole knows a 6.1.192.
  private func run(_ recipe: [String], for file: String) throws -> (text: String, printed: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "recipe-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "events/own"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let pahole = """
      pahole() {
        case "$4" in
        device) printf '\\tstruct device_driver *     driver;               /*   104     8 */\\n\\tstruct iommu_group *       iommu_group;          /*   432     8 */\\n\\tstruct dev_iommu *         iommu;                /*   440     8 */\\n' ;;
        iommu_group) printf '\\tint                        id;                   /*   144     4 */\\n\\tunsigned int               owner_cnt;            /*   192     4 */\\n\\tvoid *                     owner;                /*   200     8 */\\n' ;;
        esac
      }
      lspci() { :; }

      """
    let script = pahole + recipe.joined(separator: "\n").replacing("/sys/kernel/tracing", with: folder.path)
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-eu", "-c", "cd \(folder.path); : > trace\n" + script]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let printed = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let text = try? String(contentsOf: folder.appending(path: file), encoding: .utf8)
    return (text ?? "", String(decoding: printed, as: UTF8.self))
  }

  @Test("what the shell makes of the offset lines are probes that a 6.1.192 accepted")
  func offsets() throws {
    let recipe = report([late().text(.names)], release: "6.1.192").recipe
    let lines = try run(recipe, for: "kprobe_events").text.split(separator: "\n")
    #expect(
      lines.contains(
        "p:own/use iommu_device_use_default_domain dev=+0(+0($arg1)):string drv=+0(+0(+104($arg1))):string "
          + "grp=+432($arg1):x64 id=+144(+432($arg1)):s32 cnt=+192(+432($arg1)):u32 own=+200(+432($arg1)):x64"
      ))
    #expect(lines.contains("r:own/use_ret iommu_device_use_default_domain ret=$retval:s32"))
    #expect(
      lines.contains(
        "p:own/claim iommu_group_claim_dma_owner grp=$arg1:x64 id=+144($arg1):s32 cnt=+192($arg1):u32 own=+200($arg1):x64 "
          + "new=$arg2:x64"))
    #expect(lines.count == 8)
  }

  /// The form that a 6.1 accepted in its initrd (kernel-model 3.3).
  @Test("what the shell makes of the bootconfig is one")
  func bootConfig() throws {
    let text = try run(startRecipe, for: "own.bconf").text
    let lines = text.split(separator: "\n")
    #expect(lines.first == "kernel { trace_clock = global; trace_buf_size = 16M }")
    #expect(lines.dropFirst().first == "ftrace.event {")
    #expect(
      lines.contains(
        #"  kprobes.use_ret { probes = "iommu_device_use_default_domain%return ret=$retval:s32"; enable }"#))
    #expect(
      lines.contains(
        #"  kprobes.unuse { probes = "iommu_device_unuse_default_domain dev=+0(+0($arg1)):string grp=+432($arg1):x64 "#
          + #"id=+144(+432($arg1)):s32 cnt=+192(+432($arg1)):u32"; enable }"#))
    #expect(lines.last == "}")
    #expect(lines.count == 8)
  }

  @Test("what the shell makes of the boot line fits a kernel command line")
  func boot() throws {
    let printed = try run(startRecipe, for: "none").printed
    #expect(
      printed.hasPrefix(
        #"trace_clock=global trace_buf_size=16M kprobe_event="p:rp,really_probe,dev=+0(+0($arg1)):string,"#
          + #"drv=+0(+0($arg2)):string;p:use,iommu_device_use_default_domain,dev=+0(+0($arg1)):string,"#))
    #expect(printed.contains(#"grp=+432($arg1):x64,id=+144(+432($arg1)):s32,cnt=+192(+432($arg1)):u32"#))
    #expect(printed.hasSuffix("\"\n"))
    // The kernel copies the value of kprobe_event= into a buffer of COMMAND_LINE_SIZE, 2048 on x86.
    #expect(printed.utf8.count < 2048)
  }

  @Test(
    "every recipe of every capture is a shell script without blanks to fill in",
    arguments: CaptureTests.folders)
  func scripts(folder: String) throws {
    let text = String(decoding: try Checkout.bytes("samples/\(folder)/trace.txt"), as: UTF8.self)
    for release in ["6.1.192", "7.3.4", nil] {
      let recipe = report([text], release: release).recipe
      guard !recipe.isEmpty else { continue }
      _ = try run(recipe, for: "none")
      #expect(!recipe.contains { $0.contains(/<[a-z]/) || $0.contains("…") })
    }
  }
}
