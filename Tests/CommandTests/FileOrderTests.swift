import Foundation
import TestSupport
import Testing

/// The files of an incident in any order, from files and from standard input.
@Suite("The order of files")
struct FileOrderTests {
  private static func orders<Element>(_ elements: [Element]) -> [[Element]] {
    if elements.count < 2 { return [elements] }
    return elements.indices.flatMap { index in
      var rest = elements
      let first = rest.remove(at: index)
      return orders(rest).map { [first] + $0 }
    }
  }

  private static let files = ["dmesg.txt", "groups.txt", "trace.txt", "vmm.log"]

  @Test(
    "every order gives the same report, byte for byte",
    arguments: ["7.3-unfixed-late-function", "6.1-fixed-late-probes"], ["text", "json"])
  func anyOrder(_ folder: String, _ format: String) throws {
    let paths = Self.files.map { "samples/\(folder)/\($0)" }
    let first = try CommandRun(["--format", format] + paths)
    #expect(!first.output.isEmpty)
    for order in Self.orders(paths).dropFirst() {
      let run = try CommandRun(["--format", format] + order)
      #expect(run.output == first.output, "\(order)")
      #expect(run.status == first.status)
    }
  }

  @Test(
    "standard input in place of any file gives the same report but for its name",
    arguments: ["7.3-unfixed-late-function", "6.1-fixed-late-probes"], files)
  func standardInput(_ folder: String, _ piped: String) throws {
    let paths = Self.files.map { "samples/\(folder)/\($0)" }
    let named = try CommandRun(["--format", "json"] + paths)
    let path = "samples/\(folder)/\(piped)"
    let data = Data(try Checkout.bytes(path))
    for order in [paths, paths.reversed()] {
      let run = try CommandRun(["--format", "json"] + order.map { $0 == path ? "-" : $0 }, input: data)
      #expect(
        run.output.replacing("\"path\": \"-\"", with: "\"path\": \"\(path)\"") == named.output, "\(order)")
      #expect(run.status == named.status)
    }
  }

  @Test("traces come first, then logs, then listings, whatever their names")
  func kinds() throws {
    let folder = "samples/7.3-unfixed-late-function"
    let run = try CommandRun(Self.files.map { "\(folder)/\($0)" })
    let read = run.output.split(separator: "\n").filter { $0.hasPrefix("read ") }
    #expect(read.count == 4)
    for (line, name) in zip(read, ["trace.txt", "dmesg.txt", "vmm.log", "groups.txt"]) {
      #expect(line.contains(name))
    }
  }
}
