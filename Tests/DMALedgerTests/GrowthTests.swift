@testable import DMALedger
import Foundation
import TestSupport
import Testing

/// Captures that somebody built to be slow: four times as much of them takes four times as long, and not sixteen.
@Suite("Captures built to be slow")
struct GrowthTests {
  /// A way to write captures of any length.
  struct Attack: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// How much is asked for first, whatever it counts.
    var size: Int
    var text: @Sendable (_ size: Int) -> String

    init(_ name: String, _ size: Int, _ text: @escaping @Sendable (_ size: Int) -> String) {
      testDescription = name
      self.size = size
      self.text = text
    }
  }

  private static let header = "# tracer: nop\n#\n"

  private static func line(_ task: Int, _ index: Int, _ body: String) -> String {
    let micros = String(1_000_000 + index % 1_000_000).dropFirst()
    return "            task-\(task)     [000] .....    \(10 + index / 1_000_000).\(micros): \(body)\n"
  }

  private static func device(_ index: Int) -> String {
    let bus = String(0x1_0000 + index / 32, radix: 16).dropFirst()
    return "\(bus):00:\(String(0x100 + index % 32, radix: 16).dropFirst()).0"
  }

  private static func use(_ device: Int, group: Int) -> String {
    "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"\(Self.device(device))\" id=\(group)"
  }

  private static func used(_ device: Int, group: Int) -> String {
    "used: (pci_dma_configure+0x80/0x100 <- iommu_device_use_default_domain) ret=0 "
      + "dev=\"\(Self.device(device))\" id=\(group)"
  }

  private static func asked(_ code: Int, group: Int) -> String {
    "asked: (vfio_group_ioctl+0x80/0x100 <- iommu_group_dma_owner_claimed) ret=\(code) id=\(group)"
  }

  private static func lines(_ count: Int, _ body: (Int) -> String) -> String {
    (0..<count).map(body).joined()
  }

  static let attacks: [Attack] = [
    Attack("the name of an event without end", 4000) { size in
      header + line(7, 0, String(repeating: "_", count: size) + ": (ffffffff812a6a92)")
    },
    Attack("a message that repeats one that repeats one", 300) { size in
      "Nov 22 08:15:27 host " + String(repeating: "kernel: message repeated times: [ ", count: size) + "x"
        + String(repeating: "]", count: size) + "\n"
    },
    Attack("a member of a journal in lines without anything", 8000) { size in
      "__CURSOR=x\nMESSAGE\n" + String(repeating: "\n", count: size)
    },
    Attack("a line of a container in pieces of a byte", 4000) { size in
      lines(size) { _ in "{\"log\":\"a\"}\n" }
    },
    Attack("a line of a pod in pieces of a byte", 4000) { size in
      lines(size) { _ in "2026-01-01T00:00:00.000000000Z stdout P x\n" }
    },
    Attack("returns that contradict each other", 400) { size in
      header + lines(size) { line(100 + $0, $0, asked($0 % 2, group: 3)) }
    },
    Attack("losses that reach back to the beginning, and others", 500) { size in
      header + line(7, 0, use(0, group: 0)) + lines(size) { line(7, 1 + $0, use($0, group: $0)) }
        + lines(size) { "CPU:0 [LOST 1 EVENTS]\nCPU:\(1000 + $0) [LOST 1 EVENTS]\n" }
    },
    Attack("a loss behind every call", 400) { size in
      header + lines(size) { line(7, $0, use($0 % 8, group: 3)) + "CPU:\(1000 + $0) [LOST 1 EVENTS]\n" }
    },
    Attack("names of devices in one group, without counts", 200) { size in
      header + lines(size) { line(7, $0, use($0, group: 3)) }
    },
    Attack("refusals of a group of many", 200) { size in
      header + lines(size) { line(7, $0, used($0, group: 3)) }
        + lines(size) { line(8, size + $0, asked(1, group: 3)) }
    },
    Attack("releases that nobody sees end, where events are lost", 400) { size in
      header
        + lines(size) {
          line(100 + $0, $0, "rel: (iommu_group_release_dma_owner+0x0/0x8c) id=\($0)")
            + "CPU:7 [LOST 1 EVENTS]\n"
        }
    },
    Attack("calls that meet at group after group", 60) { size in
      header
        + lines(size) { group in
          lines(8) {
            line(
              100 + group * 8 + $0, group * 16 + $0,
              "rel: (iommu_group_release_dma_owner+0x0/0x8c) id=\(group)")
          }
            + lines(6) {
              line(100 + group * 8 + $0, group * 16 + 8 + $0, "s: (driver_sysfs_add+0x0/0x8c)")
            }
        }
    },
    Attack("pointers that turn out to be devices, and change them", 200) { size in
      header
        + lines(size) {
          line(7, 2 * $0, "iommu_device_use_default_domain(dev=0xffff88800000\(1000 + $0)) <-x")
            + line(7, 2 * $0 + 1, use($0, group: 3))
        }
        + lines(size) {
          line(7, 2 * size + 2 * $0, "iommu_device_use_default_domain(dev=one\($0 % 2)) <-x")
            + line(7, 2 * size + 2 * $0 + 1, use($0 % 2, group: 3))
        }
    },
    Attack("calls of a thousand devices without a task", 400) { size in
      header + lines(size) { use($0, group: $0) + "\n" }
    },
    Attack("devices that join their group over and over", 400) { size in
      lines(size) { "[    1.\(1_000_000 + $0)] pci \(device($0 % 64)): Adding to iommu group 3\n" }
    },
  ]

  /// Seconds of this thread's processor time: other tests run beside it.
  private static func seconds(on text: String) -> Double {
    func now() -> Double {
      var time = timespec()
      // Safe: the time outlives the call.
      unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let before = now()
    _ = report(on: text)
    return now() - before
  }

  @Test(
    "four times as much takes no more than eight times as long", .timeLimit(.minutes(1)), arguments: attacks)
  func growth(_ attack: Attack) {
    let few = Self.seconds(on: attack.text(attack.size))
    let many = Self.seconds(on: attack.text(4 * attack.size))
    #expect(many < 8 * few + 0.3, "\(few) s, four times as much \(many) s")
  }

  // MARK: - Memory

  @Test("signs of what nobody watches, and losses, by the thousand leave a history as short as before")
  func histories() {
    let join = "add_device_to_group: IOMMU: groupID=3 device=\(Self.device(0))"
    let bound = "bound: (driver_bound+0x0/0x8c) dev=\"\(Self.device(0))\""
    for body in [bound, join + "\nCPU:0 [LOST 1 EVENTS]"] {
      var analyzer = Analyzer()
      let text = Self.header + Self.line(7, 0, join) + Self.lines(4000) { Self.line(7, 1 + $0, body) }
      analyzer.read(bytes: Array(text.utf8), name: "trace.txt")
      let groups = analyzer.assembler.ledger.groups
      #expect(groups.count == 1)
      #expect(groups.allSatisfy { $0.history.count > 1000 && $0.history.kept < 1000 })
    }
  }

  @Test("headers of traces without anything between them are not kept by the thousand")
  func headers() {
    var seams = BootSeams()
    var event = TraceEvent()
    event.time = Nanoseconds(5)
    _ = seams.judge(event, NameTable())
    event.kind = .restarted
    event.time = nil
    for _ in 0..<1000 {
      if case .held = seams.judge(event, NameTable()) {
        seams.keep(event, [UInt8]().span)
      } else {
        _ = seams.release(beginsBoot: false)
      }
      #expect(seams.held.count <= 64)
    }
  }
}
