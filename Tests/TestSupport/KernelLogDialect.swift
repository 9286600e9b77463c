/// A message of the kernel log as printk stores it.
package struct KernelLogRecord: Sendable {
  /// Since boot.
  package var microseconds: Int
  /// 0 to 7.
  package var level: Int
  /// 0 is the kernel, 1 a program that wrote to /dev/kmsg.
  package var facility: Int
  /// The task that printed it.
  package var caller: Int
  /// Newlines part the lines of one message.
  package var text: String

  package init(_ microseconds: Int, level: Int = 6, facility: Int = 0, caller: Int = 1, _ text: String) {
    self.microseconds = microseconds
    self.level = level
    self.facility = facility
    self.caller = caller
    self.text = text
  }

  package var priority: Int { facility * 8 + level }
  package var lines: [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// `    5.140900`, twelve bytes wide.
  package var seconds: String {
    "\(microseconds / 1_000_000)".padded(toLeading: 5) + "." + "\(microseconds % 1_000_000)".zeros(6)
  }

  /// The time of day, for a machine that booted at 08:15:00 UTC on the 22nd of November 2026.
  package var clock: String {
    let seconds = microseconds / 1_000_000
    return "08:\("\(15 + seconds / 60)".zeros(2)):\("\(seconds % 60)".zeros(2))"
  }

  package var fraction: String { "\(microseconds % 1_000_000)".zeros(6) }
}

/// One way to write a kernel log: as dmesg does, as a logger, as the console.
package struct KernelLogDialect: Sendable, CustomStringConvertible {
  package var description: String
  /// Whether it keeps the time since boot.
  package var keepsTime: Bool
  /// Whether it keeps the task that printed.
  package var keepsCaller: Bool
  /// Whether a reader can tell the kernel's messages from those of programs.
  package var showsFacility: Bool
  package var write: @Sendable ([KernelLogRecord]) -> [UInt8]

  private init(
    _ name: String, time: Bool = true, caller: Bool = false, facility: Bool = false,
    _ write: @escaping @Sendable ([KernelLogRecord]) -> [UInt8]
  ) {
    description = name
    keepsTime = time
    keepsCaller = caller
    showsFacility = facility
    self.write = write
  }

  /// A prefix, with the further lines of a message indented below it.
  private static func prefixed(
    _ name: String, time: Bool = true, caller: Bool = false, facility: Bool = false, repeats: Bool = false,
    ending: String = "\n", head: String = "", tail: String = "",
    _ prefix: @escaping @Sendable (KernelLogRecord, KernelLogRecord?) -> String
  ) -> KernelLogDialect {
    KernelLogDialect(name, time: time, caller: caller, facility: facility) { records in
      var text = head
      var before: KernelLogRecord?
      for record in records {
        let front = prefix(record, before)
        for (index, line) in record.lines.enumerated() {
          text += index == 0 || repeats ? front : String(repeating: " ", count: max(2, front.count))
          text += line + ending
        }
        before = record
      }
      return Array((text + tail).utf8)
    }
  }

  private static func delta(_ record: KernelLogRecord, _ before: KernelLogRecord?) -> String {
    let micros = record.microseconds - (before?.microseconds ?? record.microseconds)
    return KernelLogRecord(micros, "").seconds
  }

  private static func names(_ record: KernelLogRecord) -> String {
    let facility = record.facility == 0 ? "kern" : "user"
    let levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
    return facility.padded(toTrailing: 6) + ":" + levels[record.level].padded(toTrailing: 6) + ": "
  }

  private static func identifier(_ record: KernelLogRecord) -> String {
    record.facility == 0 ? "kernel: " : "lab[112]: "
  }

  // MARK: - dmesg

  static let dmesg: [KernelLogDialect] = [
    prefixed("dmesg") { record, _ in "[\(record.seconds)] " },
    prefixed("dmesg, caller", caller: true) { record, _ in
      "[\(record.seconds)] [\("T\(record.caller)".padded(toLeading: 7))] "
    },
    prefixed("dmesg -T", time: false) { record, _ in "[Sun Nov 22 \(record.clock) 2026] " },
    prefixed("dmesg -T, German", time: false) { record, _ in "[So Nov 22 \(record.clock) 2026] " },
    prefixed("dmesg -T, French", time: false) { record, _ in "[dim. févr. 22 \(record.clock) 2026] " },
    prefixed("dmesg -d") { record, before in
      "[\(record.seconds) <\(delta(record, before))>] "
    },
    prefixed("dmesg -T -d", time: false) { record, before in
      "[Sun Nov 22 \(record.clock) 2026 <\(delta(record, before))>] "
    },
    prefixed("dmesg -x", facility: true) { record, _ in names(record) + "[\(record.seconds)] " },
    prefixed("dmesg -r", facility: true) { record, _ in "<\(record.priority)>[\(record.seconds)] " },
    prefixed("dmesg -S", repeats: true) { record, _ in "[\(record.seconds)] " },
    prefixed("dmesg --time-format iso", time: false) { record, _ in
      "2026-11-22T\(record.clock),\(record.fraction)+00:00 "
    },
    prefixed("dmesg -x --time-format iso", time: false, facility: true) { record, _ in
      names(record) + "2026-11-22T\(record.clock),\(record.fraction)+00:00 "
    },
    prefixed("dmesg --time-format delta", time: false) { record, before in "[<\(delta(record, before))>] " },
    prefixed("dmesg --time-format reltime", time: false) { record, before in
      guard let before, before.microseconds / 60_000_000 == record.microseconds / 60_000_000 else {
        return "[Nov22 \(record.clock.prefix(5))] "
      }
      let micros = record.microseconds - before.microseconds
      return micros < 10_000_000
        ? "[  +\(micros / 1_000_000).\("\(micros % 1_000_000)".zeros(6))] "
        : "[ +\(micros / 1_000_000).\("\(micros % 1_000_000)".zeros(6))] "
    },
    prefixed("dmesg --time-format raw,iso") { record, _ in
      "[\(record.seconds)] 2026-11-22T\(record.clock),\(record.fraction)+00:00 "
    },
    prefixed("dmesg --time-format iso,raw") { record, _ in
      "2026-11-22T\(record.clock),\(record.fraction)+00:00 [\(record.seconds)] "
    },
    prefixed("dmesg --time-format ctime,delta,raw", caller: true) { record, before in
      "[Sun Nov 22 \(record.clock) 2026] [<\(delta(record, before))>] [\(record.seconds)] "
        + "[\("T\(record.caller)".padded(toLeading: 7))] "
    },
    prefixed("dmesg -t", time: false) { _, _ in "" },
    KernelLogDialect("dmesg -L") { records in
      var text = ""
      for record in records {
        // The subsystem, up to the first colon and blank, has a colour of its own.
        let line = record.lines[0]
        let colon = line.firstRange(of: ": ")
        text += "\u{1B}[32m[\(record.seconds)] \u{1B}[0m"
        if let colon {
          text += "\u{1B}[33m\(line[..<colon.upperBound])\u{1B}[0m"
          text +=
            record.level < 5 ? "\u{1B}[1m\(line[colon.upperBound...])\u{1B}[0m" : line[colon.upperBound...]
        } else {
          text += line
        }
        for line in record.lines.dropFirst() { text += "\n" + String(repeating: " ", count: 15) + line }
        text += "\n"
      }
      return Array(text.utf8)
    },
    json("dmesg -J") { "\"pri\": \($0.priority),\n         " },
    json("dmesg -J, caller", caller: true) { "\"pri\": \($0.priority),\n         " },
    json("dmesg -J -x") {
      "\"fac\": \"\($0.facility == 0 ? "kern" : "user")\",\n         \"pri\": \"info\",\n         "
    },
  ]

  private static func json(
    _ name: String, caller: Bool = false, _ priority: @escaping @Sendable (KernelLogRecord) -> String
  ) -> KernelLogDialect {
    KernelLogDialect(name, caller: caller, facility: true) { records in
      let entries = records.map { record in
        "{\n         " + priority(record) + "\"time\": \(record.seconds),\n         "
          + (caller ? "\"caller\": \"T\(record.caller)\",\n         " : "")
          + "\"msg\": \(record.text.quoted)\n      }"
      }
      return Array(("{\n   \"dmesg\": [\n      " + entries.joined(separator: ",") + "\n   ]\n}\n").utf8)
    }
  }

  // MARK: - The kernel's own interfaces

  static let kernel: [KernelLogDialect] = [
    prefixed("/proc/kmsg", facility: true, repeats: true) { record, _ in
      "<\(record.priority)>[\(record.seconds)] "
    },
    prefixed("console", repeats: true, ending: "\r\n", head: firmware) { record, _ in "[\(record.seconds)] "
    },
    prefixed("console, CRCRLF", repeats: true, ending: "\r\r\n", head: firmware) { record, _ in
      "[\(record.seconds)] "
    },
    prefixed("console, caller", caller: true, repeats: true, ending: "\r\n") { record, _ in
      "[\(record.seconds)][\("T\(record.caller)".padded(toLeading: 6))] "
    },
    prefixed("console, printk.time=0", time: false, repeats: true, ending: "\r\n") { _, _ in "" },
    prefixed("console_msg_format=syslog", facility: true, repeats: true, ending: "\r\n") { record, _ in
      "<\(record.priority)>[\(record.seconds)] "
    },
    prefixed("console, byte order mark", repeats: true, head: "\u{FEFF}") { record, _ in
      "[\(record.seconds)] "
    },
    prefixed(
      "pstore", facility: true, repeats: true, head: "Panic#1 Part1\n", tail: "\nECC: No errors detected\n"
    ) { record, _ in "<\(record.priority)>[\(record.seconds)] " },
    prefixed("console-ramoops", repeats: true, head: "0000:00:1f.3: Adding to i\u{0}\u{0}\n") { record, _ in
      "[\(record.seconds)] "
    },
    record("/dev/kmsg"), record("/dev/kmsg, caller", caller: true),
    record("/dev/kmsg, members", members: true),
    record("netconsole", release: "7.3.4,", members: true), record("netconsole, fragments", fragment: true),
  ]

  private static let firmware =
    "\u{1B}c\u{1B}[?7l\u{1B}[2J\u{1B}[0mSeaBIOS (version 1.16.2)\r\n\r\n\u{0}\u{0}\r\nBooting from ROM...\r\n"
    + "Probing EDD (edd=off to disable)... o\u{1B}c\u{1B}[?7l\u{1B}[2J"

  private static func record(
    _ name: String, caller: Bool = false, release: String = "", members: Bool = false, fragment: Bool = false
  ) -> KernelLogDialect {
    KernelLogDialect(name, caller: caller, facility: true) { records in
      var text = ""
      for (index, record) in records.enumerated() {
        let escaped = record.text.utf8.map { byte -> String in
          let isPlain = byte >= 0x20 && byte < 0x7F && byte != 0x5C
          let digits = String(byte, radix: 16).zeros(2)
          return isPlain ? String(Unicode.Scalar(byte)) : "\\x" + digits
        }
        text += "\(release)\(record.priority),\(339 + index),\(record.microseconds),-"
        if caller { text += ",caller=T\(record.caller)" }
        if fragment { text += ",ncfrag=0/\(record.text.utf8.count)" }
        text += ";" + escaped.joined() + "\n"
        if members { text += " SUBSYSTEM=pci\n DEVICE=+pci:0000:03:00.0\n" }
      }
      return Array(text.utf8)
    }
  }

  // MARK: - journalctl -k

  static let journal: [KernelLogDialect] = [
    logger("journalctl -o short") { "Nov 22 \($0.clock) myhost " },
    logger("journalctl -o short --no-hostname") { "Nov 22 \($0.clock) " },
    logger("journalctl -o short-full") { "Sun 2026-11-22 \($0.clock) UTC myhost " },
    logger("journalctl -o short-iso") { "2026-11-22T\($0.clock)+0000 myhost " },
    logger("journalctl -o short-iso, new") { "2026-11-22T\($0.clock)+00:00 myhost " },
    logger("journalctl -o short-iso-precise") { "2026-11-22T\($0.clock).\($0.fraction)+0000 myhost " },
    logger("journalctl -o short-precise") { "Nov 22 \($0.clock).\($0.fraction) myhost " },
    logger("journalctl -o short-monotonic", time: true) { "[\($0.seconds)] myhost " },
    logger("journalctl -o short-delta", time: true) { "[\($0.seconds) <    1.000000 >] myhost " },
    logger("journalctl -o short-unix") {
      "\(1_795_335_300 + $0.microseconds / 1_000_000).\($0.fraction) myhost "
    },
    prefixed("journalctl -o cat", time: false) { _, _ in "" },
    entries("journalctl -o json") {
      "{" + $0.map { "\($0.0.quoted):\($0.1.quoted)" }.joined(separator: ",") + "}\n"
    },
    entries("journalctl -o json, bytes") { members in
      "{"
        + members.map { key, value in
          let bytes = value.utf8.map { "\($0)" }.joined(separator: ",")
          return "\(key.quoted):" + (key == "MESSAGE" ? "[\(bytes)]" : value.quoted)
        }.joined(separator: ",") + "}\n"
    },
    entries("journalctl -o json, repeated field") { members in
      "{"
        + members.map { key, value in
          key == "MESSAGE" ? "\(key.quoted):[\(value.quoted),\"again\"]" : "\(key.quoted):\(value.quoted)"
        }.joined(separator: ",") + "}\n"
    },
    entries("journalctl -o json-sse") {
      "data: {" + $0.map { "\($0.0.quoted) : \($0.1.quoted)" }.joined(separator: ", ") + "}\n\n"
    },
    entries("journalctl -o json-seq") {
      "\u{1E}{" + $0.map { "\($0.0.quoted):\($0.1.quoted)" }.joined(separator: ",") + "}\n"
    },
    entries("journalctl -o json-pretty") {
      "{\n" + $0.map { "\t\($0.0.quoted) : \($0.1.quoted)" }.joined(separator: ",\n") + "\n}\n"
    },
    entries("journalctl -o verbose") { members in
      "Sun 2026-11-22 08:15:26.654727 UTC [s=\(String(repeating: "a", count: 32));i=1]\n"
        + members.filter { !$0.0.hasPrefix("__") }.map {
          "    \($0.0)=\($0.1.replacing("\n", with: "\n            "))\n"
        }
        .joined()
    },
    KernelLogDialect("journalctl -o export", facility: true) { records in
      var bytes: [UInt8] = []
      for (index, record) in records.enumerated() {
        for (key, value) in members(record, index) {
          bytes += Array(key.utf8)
          if value.contains("\n") {
            // By length, lowest byte first.
            bytes += [0x0A] + (0..<8).map { UInt8(truncatingIfNeeded: value.utf8.count >> ($0 * 8)) }
            bytes += Array(value.utf8)
          } else {
            bytes += Array("=\(value)".utf8)
          }
          bytes.append(0x0A)
        }
        bytes.append(0x0A)
      }
      return bytes
    },
  ]

  /// A logger's line: when, where, and whose message it is.
  private static func logger(
    _ name: String, time: Bool = false, _ head: @escaping @Sendable (KernelLogRecord) -> String
  ) -> KernelLogDialect {
    prefixed(name, time: time, facility: true) { record, _ in head(record) + identifier(record) }
  }

  /// The members of a journal entry, in another order for each.
  private static func members(_ record: KernelLogRecord, _ index: Int) -> [(String, String)] {
    var members = [
      ("__REALTIME_TIMESTAMP", "\(1_795_335_300_000_000 + record.microseconds)"), ("_TRANSPORT", "kernel"),
      ("PRIORITY", "\(record.level)"), ("SYSLOG_FACILITY", "\(record.facility)"), ("_HOSTNAME", "myhost"),
      ("SYSLOG_IDENTIFIER", record.facility == 0 ? "kernel" : "lab"), ("MESSAGE", record.text),
      ("_SOURCE_MONOTONIC_TIMESTAMP", "\(record.microseconds)"), ("_KERNEL_SUBSYSTEM", "pci"),
    ]
    for place in members.indices.reversed() {
      members.swapAt(place, (index * 7 + place * 5) % (place + 1))
    }
    return [("__CURSOR", "s=\(index)")] + members
  }

  private static func entries(
    _ name: String, _ write: @escaping @Sendable ([(String, String)]) -> String
  ) -> KernelLogDialect {
    KernelLogDialect(name, facility: true) { records in
      Array(records.enumerated().map { write(members($0.element, $0.offset)) }.joined().utf8)
    }
  }

  // MARK: - Files of syslog daemons

  static let syslog: [KernelLogDialect] = [
    daemon("rsyslog") { "Nov 22 \($0.clock) myhost \(identifier($0))[\($0.seconds)] " },
    daemon("rsyslog, ParseKernelTimestamp", time: false) { "Nov 22 \($0.clock) myhost \(identifier($0))" },
    daemon("rsyslog, RFC 3339") {
      "2026-11-22T\($0.clock).\($0.fraction)+00:00 myhost \(identifier($0))[\($0.seconds)] "
    },
    daemon("rsyslog, RFC 3339, from the journal", time: false) {
      "2026-11-22T\($0.clock).\($0.fraction)+00:00 myhost \(identifier($0))"
    },
    daemon("RFC 5424 relay") {
      "<134>1 2026-11-22T\($0.clock).\($0.fraction)Z myhost \($0.facility == 0 ? "kernel" : "lab") - - - [\($0.seconds)] "
    },
    daemon("RFC 3164 relay") { "<134>Nov 22 \($0.clock) myhost \(identifier($0))[\($0.seconds)] " },
    daemon("busybox syslogd") {
      "Nov 22 \($0.clock) myhost \($0.facility == 0 ? "kern" : "user").info \(identifier($0))[\($0.seconds)] "
    },
    daemon("rsyslog, repeated") {
      "Nov 22 \($0.clock) myhost \(identifier($0))message repeated 3 times: [ [\($0.seconds)] "
    } tail: {
      "]"
    },
  ]

  private static func daemon(
    _ name: String, time: Bool = true, _ head: @escaping @Sendable (KernelLogRecord) -> String,
    tail: @escaping @Sendable () -> String = { "" }
  ) -> KernelLogDialect {
    KernelLogDialect(name, time: time, facility: true) { records in
      let lines = records.map { record in
        head(record) + record.text.replacing("\n", with: "#012").replacing("\t", with: "#011") + tail() + "\n"
      }
      return Array(lines.joined().utf8)
    }
  }

  /// Every dialect.
  package static let all = dmesg + kernel + journal + syslog
}

extension String {
  /// As JSON writes it.
  package var quoted: String {
    var text = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20: text += "\\u" + String(scalar.value, radix: 16).zeros(4)
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
