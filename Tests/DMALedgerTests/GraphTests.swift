import DMALedger
import TestSupport
import Testing

@Suite("function_graph in every dress")
struct GraphTests {
  @Test("a test-remove without cleanup is told by names alone", arguments: GraphRendering.allCases)
  func unfixed(rendering: GraphRendering) {
    check(.unfixed, rendering)
  }

  @Test("a test-remove with cleanup is told by names alone", arguments: GraphRendering.allCases)
  func fixed(rendering: GraphRendering) {
    check(.fixed, rendering)
  }

  @Test("a single pass is told by names alone", arguments: GraphRendering.allCases)
  func inactive(rendering: GraphRendering) {
    check(.inactive, rendering)
  }

  private func check(_ history: GraphHistory, _ rendering: GraphRendering) {
    let text = history.text(rendering)
    let report = report(on: text)
    let source = report.sources[0]
    #expect(source.unparsed == [], "\(text)")
    #expect(report.kernel.windows == 1, "\(text)")
    #expect(report.kernel.reprobes == (history == .inactive ? 0 : 1), "\(text)")
    let expected: TestDriverRemove =
      switch history {
      case .unfixed: .unfixed
      case .fixed: .fixed
      case .inactive: .inactive
      }
    #expect(report.kernel.testDriverRemove == expected)
    #expect(report.unattributed[.use] == history.uses)
    #expect(report.unattributed[.unuse] == history.unuses)
    let named = rendering.namesGroups ? [.query, .claim] : [] as [OwnershipCallKind]
    #expect(report.changes.map(\.call) == named)
    #expect(report.unattributed[.query] == 1 - named.count / 2)
    #expect(report.unattributed[.claim] == 1 - named.count / 2)
    #expect(report.verdict == .inconclusive)
    let name = rendering.isTraceCmdReport ? "trace-cmd report (function_graph)" : "ftrace function_graph"
    #expect(source.format == name || rendering == .kernelLogDump)
  }

  @Test("a return probe comes before the brace of its call, and both are one")
  func returnProbeFirst() {
    // Recorded on 6.1.192 without CONFIG_DEBUG_TEST_DRIVER_REMOVE, with kprobes, kretprobes and funcgraph-tail.
    let text = """
      # tracer: function_graph
      #
      #     TIME        CPU  TASK/PID         DURATION                  FUNCTION CALLS
      #      |          |     |    |           |   |                     |   |   |   |
          6.409487 |   0)     init-1     |               |  really_probe() {
          6.409743 |   0)     init-1     |               |  /* probe: (really_probe+0x0/0x4b0) dev="0000:02:01.0" drv="e1000" */
          6.409985 |   0)     init-1     |               |    pci_dma_configure() {
          6.410028 |   0)     init-1     |               |      iommu_device_use_default_domain() {
          6.410061 |   0)     init-1     |               |        /* use: (iommu_device_use_default_domain+0x0/0xb0) dev="0000:02:01.0" drv="e1000" grp=0xffff888002de6700 id=5 cnt=0 own=0x0 */
          6.410302 |   0)     init-1     |               |        /* use_ret: (return_to_handler+0x0/0x30 <- iommu_device_use_default_domain) ret=0 */
          6.410485 |   0)     init-1     | ! 455.844 us  |      } /* iommu_device_use_default_domain */
          6.410501 |   0)     init-1     | ! 518.910 us  |    } /* pci_dma_configure */
          6.837507 |   0)     init-1     | ! 332.597 us  |    driver_bound();
          6.837976 |   0)     init-1     |               |  /* probe_ret: (return_to_handler+0x0/0x30 <- really_probe) ret=0 */
          6.838019 |   0)     init-1     | @ 428832.6 us |  } /* really_probe */
          8.707000 |   0)     init-1     |               |  pci_dma_cleanup() {
          8.707100 |   0)     init-1     |               |    iommu_device_unuse_default_domain() {
          8.707200 |   0)     init-1     |               |      /* unuse: (iommu_device_unuse_default_domain+0x0/0x60) dev="0000:02:01.0" grp=0xffff888002de6700 id=5 cnt=1 */
          8.707446 |   0)     init-1     | # 2973.426 us |    } /* iommu_device_unuse_default_domain */
          8.707461 |   0)     init-1     | # 3133.791 us |  } /* pci_dma_cleanup */

      """
    let report = report(on: text)
    #expect(report.changes.map(\.call) == [.use, .unuse])
    #expect(report.groups.map(\.final) == [Count(exactly: 0)])
    #expect(report.kernel.testDriverRemove == .inactive)
    #expect(report.verdict == .balanced)
  }

  @Test("a depth that no task can have, and a path in the place of a call, are survived and tell nothing")
  func damaged() {
    let context = "            bash-250   [001]   101.077280: "
    let exit =
      "funcgraph_exit:       <-- iommu_device_unuse_default_domain (2147483647) (start: 1  end: 2) over: 0\n"
    #expect(report(on: "cpus=2\n" + context + exit).sources[0].events > 0)
    // The columns of a switch without the task that leaves.
    #expect(report(on: "# tracer: function_graph\n#\n 0) => bash-110\n").sources[0].events == 0)
    let path = " 0)   3.082 us    |      /sys/kernel/iommu_groups/3/devices/0000:00:03.0\n"
    let graph = report(on: "# tracer: function_graph\n#\n" + path + " 0)   0.100 us    |  mutex_lock();\n")
    #expect(graph.sources[0].events == 0)
  }

  @Test("absolute times become the times of the source")
  func times() {
    let source = report(on: GraphHistory.unfixed.text(.abstime)).sources[0]
    #expect(source.firstTime == Nanoseconds(29_257_465_000))
    #expect(report(on: GraphHistory.unfixed.text(.plain)).sources[0].firstTime == nil)
  }

  @Test(
    "the columns of a line are told apart without a header",
    arguments: [
      " 0)               |  really_probe() {",
      "  12)               |    really_probe() {",
      "   29.257452 |   1)    bash-110    |  ...1. |               |    really_probe() {",
      "   29.257452 |   1)               |  really_probe() {",
      " 8640029.257452 |   1)               |  really_probe() {",
      "        3 us |   0)               |  really_probe() {",
      "        3 us |   0)    bash-110    |  d.h1. |               |  really_probe() {",
      " 0)    bash-110    |               |  really_probe() {",
      " 0)  kworker-4194303 |               |  really_probe() {",
      " 0)   x-12-218     |               |  really_probe() {",
      " 0)    | x-218    |               |  really_probe() {",
      " 0)  .l.1. |               |      really_probe() {",
      " 0)     really_probe() {",
      "              |    really_probe() {",
      " 0)               |  really_probe [core]() {",
      " 0)               |  really_probe.isra.0() {",
      " 0)               |  really_probe(dev=0xffff88924204e0d0, drv=0xffffffffc025d248) {",
      " 0)               |  really_probe(dev=0xffff88924204e0d0, s=STRUCT[0x0], ...) {",
      " 0)               |  really_probe() { /* <-__driver_probe_device+0x87/0x150 */",
      "10119- 0)               |  really_probe() {",
      "[  236.423900]  1)               |  really_probe() {",
      "            bash-250   [001]   101.080289: funcgraph_entry:                   |      really_probe() {",
      "            bash-250   [001]   101.080289: funcgraph_entry:      --> really_probe (2)",
      "            bash-250   [001]   101.017786: funcgraph_entry:       func=really_probe depth=0 args=ARRAY[]",
    ])
  func columns(line: String) {
    let report = report(on: line + "\n")
    #expect(report.unparsedLines == 0)
    #expect(report.kernel.windows == 1)
    #expect(report.sources[0].events == 1)
  }

  // MARK: Tasks

  @Test("two probes on one CPU are kept apart by the blocks of dashes")
  func interleavedProbes() {
    func to(_ old: String, _ new: String) -> String {
      """
       ------------------------------------------
       0)   \(old)    =>   \(new)\u{20}
       ------------------------------------------


      """
    }
    let use = " 0)   2.353 us    |    iommu_device_use_default_domain();\n"
    let first = "kworker-9"
    let second = "kworker-15"
    let report = report(
      on: " 0)               |  really_probe() {\n" + use + to(first, second)
        + " 0)               |  really_probe() {\n" + use + to(second, first)
        + " 0)   2.353 us    |    pci_device_remove();\n" + use + to(first, second)
        + " 0)   2.353 us    |    driver_bound();\n 0) + 28.367 us   |  }\n" + to(second, first)
        + " 0)   2.353 us    |    driver_bound();\n 0) + 28.367 us   |  }\n")
    #expect(report.unparsedLines == 0)
    #expect(report.kernel.windows == 2)
    #expect(report.kernel.reprobes == 1)
    #expect(report.unattributed[.use] == 3)
  }

  @Test("a call that returns on another CPU is one call", arguments: ["", " ret=0x0", " = 0x0"])
  func migratedCall(result: String) {
    let report = report(
      on: """
         1)               |  really_probe() {
         1)               |    pci_dma_configure() {
         1)               |      iommu_device_use_default_domain() {
         0) + 12.563 us   |      } /* iommu_device_use_default_domain\(result) */
         0) + 13.563 us   |    } /* pci_dma_configure\(result) */
         0)   2.353 us    |    driver_bound();
         0) @ 115536.9 us |  } /* really_probe\(result) */

        """)
    #expect(report.unparsedLines == 0)
    #expect(report.kernel.windows == 1)
    #expect(report.kernel.reprobes == 0)
    #expect(report.kernel.testDriverRemove == .inactive)
    #expect(report.unattributed[.use] == 1)
    #expect(report.unattributed.total == 1)
  }

  // MARK: Losses

  @Test(
    "a marker glued to the prefix of a graph line is a loss",
    arguments: [
      " 1)               |            CPU:1 [LOST 1975128 EVENTS]",
      "CPU:1 [LOST 1975128 EVENTS]",
      "165:CPU:1 [LOST 1975128 EVENTS]",
    ])
  func gluedMarker(marker: String) {
    var lines = GraphHistory.unfixed.text(.plain).split(separator: "\n").map(String.init)
    lines.insert(marker, at: lines.count - 4)
    let report = report(on: lines.joined(separator: "\n") + "\n")
    #expect(report.unparsedLines == 0)
    #expect(report.sources[0].lostEvents == 1_975_128)
    #expect(report.verdict == .inconclusive)
  }

  @Test("closers without openers at the start of a pipe are no calls")
  func orphanClosers() {
    let report = report(
      on: """
         0)   2.353 us    |                        arch_scale_cpu_capacity();
         0)   4.738 us    |                      } /* cpu_util */
         0) @ 115536.9 us |        } /* pci_device_probe */
         0) @ 115536.9 us |      } /* really_probe */
         0) + 28.367 us   |    }
         0) * 33960.40 us |  }
         0) $ 1234567 us  |  }

        """)
    #expect(report.unparsedLines == 0)
    #expect(report.sources[0].understoodLines == 7)
    #expect(report.kernel.windows == 0)
    #expect(report.unattributed.total == 0)
  }

  // MARK: Probes inside

  @Test("probes in comments and the graph's own frames are one call each")
  func commentedProbes() {
    let report = report(
      on: """
        # tracer: function_graph
        #
        # CPU  DURATION                  FUNCTION CALLS
        # |     |   |                     |   |   |   |
         0)               |  /* rp: (really_probe+0x0/0x380) dev="0000:00:03.0" drv="e1000e" */
         0)               |  really_probe() {
         0)               |    pci_dma_configure() {
         0)               |      /* use: (iommu_device_use_default_domain+0x0/0x8c) dev="0000:00:03.0" drv="e1000e" grp=1 cnt=0 */
         0)               |      iommu_device_use_default_domain() {
         0)               |        /* use_ret: (pci_dma_configure+0x9a/0xc0 <- iommu_device_use_default_domain) ret=0 */
         0) + 28.367 us   |      }
         0) + 38.367 us   |    }
         0)               |    /* bound: (driver_bound+0x0/0xc0) dev="0000:00:03.0" */
         0)   2.353 us    |    driver_bound();
         0)               |  /* rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 */
         0) @ 115536.9 us |  }

        """)
    #expect(report.unparsedLines == 0)
    #expect(report.kernel.windows == 1)
    #expect(report.verdict == .balanced, "\(report.reasons)")
    let change = report.changes.first
    #expect(report.changes.count == 1)
    #expect(change?.call == .use)
    #expect(change?.result == 0)
    #expect(change?.device == "0000:00:03.0")
    #expect(change?.cpu == 0)
    #expect(report.groups.first?.final == Count(exactly: 1))
    #expect(report.groups.first?.devices.first?.isBound == true)
  }

  @Test(
    "what looks like a comment's end, a brace or a call inside a comment is text",
    arguments: [
      " 0)               |  /* console: } */",
      " 0)               |  /* console: really_probe() { */",
      " 0)               |  /* tracing_mark_write: iommu_device_use_default_domain(); */",
      " 0)               |  /* iommu_device_use_default_domain is a name in a marker */",
      " 0)               |  /* a */ b */",
      " 0)               |  /* */",
      " 0)               |  /* no end",
    ])
  func commentText(line: String) {
    let report = report(on: line + "\n 0)   2.353 us    |  mutex_lock();\n")
    #expect(report.unparsedLines == 0)
    #expect(report.sources[0].events == 0)
    #expect(report.unattributed.total == 0)
    #expect(report.kernel.windows == 0)
  }
}

extension GraphRendering {
  fileprivate var isTraceCmdReport: Bool { rawValue.hasPrefix("trace-cmd") }
}
