import DMALedger
import Foundation
import TestSupport
import Testing

/// Lines that are passed over against the same lines read one by one: a carriage return before the newline is no part
/// of a line, and lines that have one are always read.
@Suite("function_graph lines passed over unread")
struct GraphSieveTests {
  private static let captures = [
    "6.1-unfixed-late-graph-filtered/trace.txt", "7.3-unfixed-late-graph-retval/trace.txt",
    "formats/graph-all-columns", "formats/graph-events-stacks", "formats/graph-overrun",
    "formats/graph-pipe-lost",
    "formats/graph-task-switch", "formats/graph-without-context",
  ]

  private static func expectSame(_ text: String, _ comment: Comment? = nil) {
    #expect(isSameUnsieved(text), comment)
  }

  @Test("a real capture says the same", arguments: captures)
  func realCaptures(name: String) throws {
    Self.expectSame(String(decoding: try SampleFiles.bytes(name), as: UTF8.self))
  }

  private static let header = """
    # tracer: function_graph
    #
    # CPU  DURATION                  FUNCTION CALLS
    # |     |   |                     |   |   |   |
     0)   0.100 us    |  mutex_lock();
     0)   0.100 us    |  mutex_lock();

    """

  private static let symbols = [
    "iommu_device_use_default_domain", "iommu_device_unuse_default_domain", "iommu_group_claim_dma_owner",
    "iommu_group_release_dma_owner", "iommu_group_dma_owner_claimed", "iommu_device_claim_dma_owner",
    "iommu_device_release_dma_owner", "really_probe", "device_remove", "driver_bound", "driver_sysfs_add",
    "device_unbind_cleanup", "device_release_driver_internal", "__device_release_driver", "pci_dma_configure",
    "platform_dma_configure", "amba_dma_configure", "fsl_mc_dma_configure", "cdx_dma_configure",
    "pci_dma_cleanup",
    "platform_dma_cleanup", "pci_device_remove", "platform_remove", "amba_remove", "fsl_mc_driver_remove",
  ]

  @Test(
    "the first brace is read, however deep: where there are none, another task may run where one has begun")
  func firstBrace() {
    let call = " 0)               |"
    Self.expectSame(
      Self.header + call + "      really_probe() {\n" + call + "        iommu_device_use_default_domain() {\n"
        + call
        + "        iommu_device_use_default_domain() {\n" + call + "      really_probe() {\n"
        + " 0) ! 122.309 us  |        }\n")
  }

  @Test("no name that matters is passed over, whatever stands around it", arguments: symbols)
  func everyName(name: String) {
    #expect(KernelFunction.named(Array(name.utf8).span) != nil)
    for symbol in [name, name + ".isra.0", name + ".constprop.12", name + ".llvm.14159265"] {
      for depth in [0, 1, 7, 31, 32, 40] {
        let indent = String(repeating: "  ", count: depth)
        for form in [
          "\(symbol)();", "\(symbol)() {", "\(symbol)(dev=0xffff8bd0410a10d0);", "\(symbol)(dev=0x0, a=1) {",
          "\(symbol) [vfio]();", "\(symbol)(); /* = 0x0 */", "\(symbol)(); /* <-foo+0x1/0x2 ret=0x0 */",
          "} /* \(symbol) */", "} /* \(symbol) ret=-16 */",
        ] {
          let before = report(on: Self.header)
          let after = report(on: Self.header + " 0)   0.100 us    |  \(indent)\(form)\n")
          #expect(
            after.sources[0].events == before.sources[0].events + 1, "depth \(depth): \(form)")
        }
      }
    }
  }

  @Test("calls that are followed end where their braces say so, whatever lies in between")
  func braces() {
    let text =
      Self.header + """
         1)               |      really_probe() {
         1)   0.100 us    |        iommu_device_use_default_domain();
         0)               |  vfs_write() {
         1)               |        device_remove() {
         1)               |          kfree() {
         1)   1.000 us    |          }
         1) + 10.000 us   |        }
         0)   9.000 us    |  }
         1)   0.100 us    |        iommu_device_use_default_domain();
         1)   0.100 us    |        driver_bound();
         1) @ 263579.8 us |      }
         1)   0.100 us    |      iommu_device_unuse_default_domain();

        """
    let said = report(on: text)
    #expect(said.kernel.windows == 1)
    #expect(said.kernel.reprobes == 1)
    Self.expectSame(text)
  }

  @Test("lines of other forms are counted as before")
  func strangers() {
    let text =
      Self.header + """
         0)   0.100 us    |  half a line
        garbage();
         0) no columns here();
         0)               |  /* console: pci 0000:00:02.0: Adding to iommu group 2 */
         0)   0.100 us    |  mutex_lock();
        CPU:0 [LOST 12 EVENTS]
         0)   0.100 us    |  }
         0)   ==========> |
         0)   0.100 us    |  mutex_unlock();

        """
    #expect(report(on: text).sources[0].lostEvents == 12)
    Self.expectSame(text)
  }

  @Test("columns that move, come and go are learnt anew")
  func columns() {
    var text = Self.header
    for round in 0..<4 {
      for _ in 0..<3 {
        text +=
          round % 2 == 0
          ? " 0)   0.100 us    |    schedule();\n"
          : "   29.257452 |   1)    bash-110    |   0.100 us    |    schedule();\n"
      }
      text += " 0)   0.100 us    |    really_probe();\n"
    }
    #expect(report(on: text).kernel.windows == 4)
    Self.expectSame(text)
  }
}
