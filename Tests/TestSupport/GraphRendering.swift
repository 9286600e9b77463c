/// Options and tools that change the text of function_graph.
package enum GraphRendering: String, CaseIterable, Sendable {
  case plain = "as configured by default"
  case noHeader = "trace_pipe: no header"
  case abstime = "funcgraph-abstime"
  case proc = "funcgraph-proc"
  case tail = "funcgraph-tail"
  case retvalOld = "funcgraph-retval up to 6.12"
  case retvalNew = "funcgraph-retval from 6.13"
  case retvalHex = "funcgraph-retval-hex"
  case returnAddress = "funcgraph-retaddr"
  case returnAddressAndValue = "funcgraph-retaddr and -retval"
  case arguments = "funcgraph-args"
  case overrun = "funcgraph-overrun"
  case noCPU = "funcgraph-cpu off"
  case noDuration = "funcgraph-duration off"
  case noOverhead = "funcgraph-overhead off"
  case latency = "latency-format"
  case everything = "abstime, proc, latency-format and tail"
  case contextOff = "context-info off"
  case wideCPU = "a machine of a thousand CPUs"
  case longUptime = "abstime after a hundred days"
  case interrupts = "interrupt arrows"
  case comments = "events inside"
  case stacks = "stack traces inside"
  case grepNumbers = "grep -n"
  case carriageReturns = "CRLF"
  case kernelLogDump = "a dump in the kernel log"
  case compilerSuffix = "compiler suffixes"
  case migrating = "the task migrates inside really_probe"
  case migratingWithProc = "the task migrates, funcgraph-proc"
  case migratingAnnounced = "the task migrates and a block of dashes says so"
  case switching = "another task runs in between on the same CPU"
  case traceCmd = "trace-cmd report"
  case traceCmdTail = "trace-cmd report -O fgraph:tailprint"
  case traceCmdDepth = "trace-cmd report -O fgraph:depth"
  case traceCmdLatency = "trace-cmd report -l"
  case traceCmdNoPlugins = "trace-cmd report -N"
  case traceCmdRaw = "trace-cmd report -R"
  case traceCmdResult = "trace-cmd 3.3 with return values"
  case traceCmdArguments = "trace-cmd 3.4 with arguments"

  /// Whether `claim` and `query` name their group.
  package var namesGroups: Bool { self == .arguments || self == .traceCmdArguments }

  var isTraceCmd: Bool { rawValue.hasPrefix("trace-cmd") }
}

/// Probes of one device as function_graph sees them: names, nesting and CPUs, nothing else.
package enum GraphHistory: String, CaseIterable, Sendable {
  case unfixed, fixed, inactive

  package var uses: Int { self == .inactive ? 1 : 2 }
  package var unuses: Int { self == .fixed ? 2 : 1 }

  /// The history as text.
  package func text(_ rendering: GraphRendering) -> String {
    var renderer = GraphRenderer(rendering: rendering)
    renderer.header()
    renderer.call("device_release_driver_internal", 0) { renderer in
      renderer.leaf("driver_sysfs_remove", 1)
      renderer.call("pci_dma_cleanup", 1) { $0.leaf("iommu_device_unuse_default_domain", 2) }
      renderer.leaf("device_unbind_cleanup", 1)
    }
    renderer.call("really_probe", 0) { renderer in
      pass(&renderer)
      if self != .inactive {
        renderer.leaf("pci_device_remove", 1)
        if self == .fixed {
          renderer.call("pci_dma_cleanup", 1) { $0.leaf("iommu_device_unuse_default_domain", 2) }
        }
        renderer.leaf("device_unbind_cleanup", 1)
        renderer.interrupt()
        pass(&renderer)
      }
      renderer.leaf("driver_bound", 1)
    }
    renderer.other()
    renderer.leaf("iommu_group_dma_owner_claimed", 0)
    renderer.leaf("iommu_group_claim_dma_owner", 0)
    let ending = rendering == .carriageReturns ? "\r\n" : "\n"
    return renderer.lines.map { $0 + ending }.joined()
  }

  private func pass(_ renderer: inout GraphRenderer) {
    renderer.call("pci_dma_configure", 1) { renderer in
      renderer.leaf("of_dma_configure_id", 2)
      renderer.leaf("iommu_device_use_default_domain", 2)
    }
    renderer.leaf("driver_sysfs_add", 1)
    renderer.call("pci_device_probe", 1) { $0.leaf("mutex_lock", 2) }
  }
}

extension GraphRendering: CustomStringConvertible {
  package var description: String { rawValue }
}

extension Rendering: CustomStringConvertible {
  package var description: String { rawValue }
}
