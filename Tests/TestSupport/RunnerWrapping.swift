/// What a CI runner, a terminal or a relay makes of the lines of any file.
package struct RunnerWrapping: Sendable, CustomStringConvertible {
  package var description: String
  package var wrap: @Sendable ([String]) -> [UInt8]

  private init(_ name: String, head: String = "", _ wrap: @escaping @Sendable (Int, String) -> String) {
    description = name
    self.wrap = { lines in
      Array((head + lines.enumerated().map { wrap($0.offset, $0.element) + "\n" }.joined()).utf8)
    }
  }

  private static func clock(_ index: Int) -> String {
    "10:\("\(index / 60 % 60)".zeros(2)):\("\(index % 60)".zeros(2))"
  }

  /// Every wrapping.
  package static let all: [RunnerWrapping] = [
    RunnerWrapping("none") { _, line in line },
    RunnerWrapping("GitHub", head: "\u{FEFF}2026-01-01T10:00:00.0000000Z ##[group]Run tests\n") {
      index, line in
      "2026-01-01T\(clock(index)).0000000Z \(line)"
    },
    RunnerWrapping("gh run view --log") { index, line in
      "test\tRun tests\t\(index == 0 ? "\u{FEFF}" : "")2026-01-01T\(clock(index)).0000000Z \(line)"
    },
    RunnerWrapping("Azure", head: "2026-01-01T10:00:00.0000000Z ##[section]Starting: tests\n") {
      index, line in
      "2026-01-01T\(clock(index)).0000000Z \(line)"
    },
    RunnerWrapping("Jenkins") { index, line in "[2026-01-01T\(clock(index)).000Z] \(line)" },
    RunnerWrapping(
      "GitLab",
      head: "2026-07-21T18:06:18.101984Z 00O section_start:1784657178:script\r\u{1B}[0K\u{1B}[0Ktests\n"
    ) { index, line in
      // Every third line arrives in two pieces.
      let head = "2026-07-21T\(clock(index)).101984Z 00O"
      guard index % 3 == 2, line.count > 4 else { return "\(head) \(line)" }
      return "\(head) \(line.prefix(line.count / 2))\n\(head)+\(line.dropFirst(line.count / 2))"
    },
    RunnerWrapping("GitLab, two streams") { index, line in
      "2026-07-21T\(clock(index)).101984Z 01O \(line)\n2026-07-21T\(clock(index)).101985Z 01E "
    },
    RunnerWrapping(
      "LAVA", head: "- {\"dt\": \"2026-01-04T12:00:03.1\", \"lvl\": \"info\", \"msg\": \"start\"}\n"
    ) { _, line in
      "- {\"dt\": \"2026-01-04T12:00:03.123456\", \"lvl\": \"target\", \"msg\": \(line.quoted)}"
    },
    RunnerWrapping("docker") { _, line in
      "{\"log\":\((line + "\r\n").quoted.replacing("\\u000d", with: "\\r")),\"stream\":\"stdout\",\"time\":\"2026-01-01T10:00:00Z\"}"
    },
    RunnerWrapping("docker, long lines") { _, line in
      "{\"log\":\(String(line.prefix(line.count / 2)).quoted),\"stream\":\"stdout\"}\n"
        + "{\"log\":\((line.dropFirst(line.count / 2) + "\n").quoted),\"stream\":\"stdout\"}"
    },
    RunnerWrapping("CRI") { index, line in
      "2026-11-22T\(clock(index)).654727123+01:00 stdout P \(line.prefix(line.count / 2))\n"
        + "2026-11-22T\(clock(index)).654727123+01:00 stdout F \(line.dropFirst(line.count / 2))"
    },
    RunnerWrapping("kubectl logs --timestamps") { index, line in
      "2026-11-22T\(clock(index)).654727123Z \(line)"
    },
    RunnerWrapping("ts") { index, line in "Nov 22 \(clock(index)) \(line)" },
    RunnerWrapping("ts -s") { index, line in "\(clock(index)) \(line)" },
    RunnerWrapping("ts %.s") { index, line in "\(1_795_335_300 + index).654727 \(line)" },
    RunnerWrapping("Buildkite") { index, line in "\u{1B}_bk;t=\(1_700_000_000_000 + index)\u{07}\(line)" },
    RunnerWrapping("multilog") { index, line in
      "@4000000065a1b2c3\("\(index)".zeros(8)) \(line)"
    },
    RunnerWrapping("screen") { index, line in "[2026-11-22 \(clock(index)).123] \(line)" },
    RunnerWrapping("labgrid") { _, line in "console@board-1: \(line)␍" },
    RunnerWrapping("pytest") { _, line in "| \(line)" },
    RunnerWrapping("mail") { _, line in "> \(line)" },
    RunnerWrapping("ts in GitHub") { index, line in
      "2026-01-01T\(clock(index)).0000000Z Nov 22 \(clock(index)) \(line)"
    },
    RunnerWrapping("docker in GitHub") { index, line in
      "2026-01-01T\(clock(index)).0000000Z {\"log\":\((line + "\n").quoted),\"stream\":\"stdout\"}"
    },
    RunnerWrapping("CRLF") { _, line in line + "\r" },
    RunnerWrapping("colours") { _, line in "\u{1B}[0m\(line)\u{1B}[0m" },
  ]
}
