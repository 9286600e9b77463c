/// The shortest capture that would decide what this one leaves open, as lines to paste into a root shell.
enum CaptureRecipe {
  static func lines(for questions: OpenQuestions, version: KernelVersion?) -> [String] {
    let open = questions.all
    var lines: [String] = []
    if open.contains(.damage) {
      lines += [
        "# part of a file is gone or damaged: get it again from where it came; while that machine is up its buffer can be read again"
      ]
    }
    if open.contains(.loss) {
      lines += [
        "# events were lost: the same capture with a larger buffer, set before the first event",
        "echo 65536 > /sys/kernel/tracing/buffer_size_kb   # at boot: trace_buf_size=64M on the command line",
      ]
    }
    if open.contains(.start) { return lines + start }
    let byName = version.map { $0 >= .firstWithNamedArguments } ?? false
    let mayLack = version == nil
    let probes = probes(for: questions, byName: byName).filter {
      !$0.isOfDevice || version.map { $0 >= .firstWithDeviceClaims } ?? true
    }
    if !probes.isEmpty {
      lines.append("# \(reason(open))")
      lines += runTime(probes, byName: byName, mayLack: mayLack)
      lines.append(
        "echo 1 > /sys/kernel/tracing/events/own/enable   # then start the VM again, and when it was refused:"
      )
    }
    if !probes.isEmpty || !open.isDisjoint(with: [.loss, .damage]) {
      lines.append("cat /sys/kernel/tracing/trace > trace.txt")
    }
    if open.contains(.members) { lines += listing }
    return lines
  }

  private static func reason(_ open: Set<OpenQuestion>) -> String {
    if open.contains(.calls) {
      return "no call that takes or gives back a group was recorded: probes that show them"
    }
    if open.contains(.names) {
      return "which group each call was for: the same functions with arguments, beside what was recorded"
    }
    var missing: [String] = []
    if open.contains(.unuse) { missing.append("who gives back") }
    if open.contains(.returns) { missing.append("what the calls returned") }
    if open.contains(.counts) { missing.append("what the count is") }
    return
      "missing \(missing.count == 1 ? "is" : "are") only \(FindingContext.joined(missing)): add to the probes that are there"
  }

  /// Of all probes those that the open questions need.
  private static func probes(for questions: OpenQuestions, byName: Bool) -> [ProbeLine] {
    let open = questions.all
    let returns: [ProbeLine] = [.useReturn, .claimReturn, .queryReturn, .deviceClaimReturn]
    let needsReturns = open.contains(.calls) || !questions.hasReturns
    if !open.isDisjoint(with: [.calls, .names]) {
      // By name a return reads what the entry would.
      let entries: [ProbeLine] =
        byName && needsReturns
        ? [.use, .unuse, .release, .deviceRelease]
        : [.use, .unuse, .claim, .release, .query, .deviceClaim, .deviceRelease]
      let windows: [ProbeLine] = open.contains(.calls) ? [.probe, .probeReturn] : []
      return windows + entries + (needsReturns ? returns : [])
    }
    var probes: [ProbeLine] = []
    if open.contains(.unuse) { probes.append(.unuse) }
    if open.contains(.returns) { probes += questions.withoutReturn.compactMap(ProbeLine.codes) }
    // The refusal itself is the moment that counts; an unuse that is added reads the count as well.
    if open.contains(.counts), !open.contains(.unuse) { probes.append(.query) }
    return probes
  }

  // MARK: - Forms

  /// By name from 6.9 on; where the release is older or not known, by offsets, which every kernel with BTF has.
  /// `mayLack`: whether the kernel may be one without iommufd's calls; what it refuses must not take the rest along.
  private static func runTime(_ probes: [ProbeLine], byName: Bool, mayLack: Bool) -> [String] {
    if byName {
      return ["cat >> /sys/kernel/tracing/dynamic_events <<'EOF'"] + probes.map(\.named) + ["EOF"]
    }
    let sure = probes.filter { !mayLack || !$0.isOfDevice }.map(\.offset)
    let perhaps = probes.filter { mayLack && $0.isOfDevice }.map(\.offset)
    var lines = offsets(usedIn: sure + perhaps)
    if !sure.isEmpty { lines += ["cat >> /sys/kernel/tracing/kprobe_events <<EOF"] + sure + ["EOF"] }
    if !perhaps.isEmpty {
      lines.append("# iommufd, from 6.2 on; an older kernel refuses these and needs none")
    }
    lines += perhaps.map { "echo \"\($0)\" >> /sys/kernel/tracing/kprobe_events || true" }
    return lines
  }

  /// Reads the offsets of this kernel, where the lines need any.
  private static func offsets(usedIn lines: [String]) -> [String] {
    let fields: [(variable: StaticString, member: String)] = [
      ("$D", "device driver"), ("$G", "device iommu_group"), ("$I", "iommu_group id"),
      ("$O", "iommu_group owner_cnt"),
      ("$W", "iommu_group owner"),
    ]
    .filter { variable, _ in lines.contains { $0.utf8.span.contains(variable) } }
    guard !fields.isEmpty else { return [] }
    return [
      "# offsets of the running kernel, by pahole (package dwarves or pahole)",
      #"at() { pahole -F btf -C "$1" /sys/kernel/btf/vmlinux 2>/dev/null | sed -n "s|.*[ *]$2; */\* *\([0-9]*\) .*|\1|p" | head -n 1; }"#,
      fields.map { "\("\($0.variable)".dropFirst())=$(at \($0.member))" }.joined(separator: " "),
    ]
  }

  /// From before the first driver binds. The default clock is switched at boot, which would clear the buffer.
  private static var start: [String] {
    let probes: [ProbeLine] = [.probe, .use, .useReturn, .unuse, .query]
    let lines = probes.map(\.boot)
    return [
      "# what was taken before the capture began: the same from boot on. This prints what to append to the kernel command",
      "# line; boot with it, start the VM, and when it was refused: cat /sys/kernel/tracing/trace > trace.txt",
    ] + offsets(usedIn: lines + probes.map(\.bootConfig)) + [
      #"echo "trace_clock=global trace_buf_size=16M kprobe_event=\"\#(lines.joined(separator: ";"))\"""#,
      "# or, where the command line has no room for that: as a bootconfig (`bootconfig -a own.bconf INITRD`, and the word",
      "# bootconfig on the command line; kernels with CONFIG_BOOTTIME_TRACING)",
      "cat > own.bconf <<EOF",
      "kernel { trace_clock = global; trace_buf_size = 16M }",
      "ftrace.event {",
    ] + probes.map { "  \($0.bootConfig)" } + ["}", "EOF"]
  }

  private static let listing = [
    "# who is in the group, taken while the devices are as they were when VFIO was refused, to be given in the same call:",
    "(find /sys/kernel/iommu_groups -type l; lspci -Dnnk) > groups.txt",
  ]
}
