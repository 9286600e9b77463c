package import DMALedger

/// Lines of probes on group 7, one task's after another's: `q` and `r` ask, claim and let go, `i` and `k` bind.
package enum ProbeLines {
  package static let group = "grp=0xff110001005f6900 id=7"
  package static let use = "iommu_device_use_default_domain"
  package static let unuse = "iommu_device_unuse_default_domain"
  package static let claim = "iommu_device_claim_dma_owner"
  package static let release = "iommu_device_release_dma_owner"
  package static let query = "iommu_group_dma_owner_claimed"

  private static let tasks = [
    "q": "qemu-900 [000]", "r": "qemu-901 [001]", "k": "kworker-57 [001]", "i": "init-1 [000]",
  ]

  /// The events as lines, 40 microseconds apart.
  package static func text(_ events: [(task: String, event: String)]) -> String {
    events.enumerated().map { index, event in
      "\(tasks[event.task] ?? "") ..... 5.\(100_000 + 40 * index): \(event.event)\n"
    }.joined()
  }

  package static func report(_ events: [(task: String, event: String)]) -> Report {
    TestSupport.report(on: "# tracer: nop\n" + text(events))
  }

  /// An entry probe that reads the group; without its count or its owner where those are left out.
  package static func entry(
    _ probe: String, _ symbol: String, _ count: Int?, own: String? = "0x0", device: String? = nil,
    group: String = group
  ) -> String {
    let name = device.map { " dev=\"\($0)\"" } ?? ""
    let state = (count.map { " cnt=\($0)" } ?? "") + (own.map { " own=\($0)" } ?? "")
    return "\(probe): (\(symbol)+0x0/0x8c)\(name) \(group)\(state)"
  }

  /// A return probe that brings a code, and what it reads behind the call.
  package static func result(_ probe: String, _ symbol: String, _ code: Int?, _ fields: String = "") -> String
  {
    "\(probe)_ret: (caller+0x20/0x396 <- \(symbol))" + (code.map { " ret=\($0)" } ?? "")
      + (fields.isEmpty ? "" : " " + fields)
  }
}
