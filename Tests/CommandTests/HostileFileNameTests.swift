import DMALedger
import Foundation
import TestSupport
import Testing

@Suite("File names that attack")
struct HostileFileNameTests {
  /// Names that a file system takes: bytes, some of which are no text, and all of which are to be told apart.
  private static let names: [[UInt8]] =
    [
      [0xFF], [0xFE], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80],
      [0x61, 0x9B, 0x33, 0x31, 0x6D],
    ]
    + [
      #"\xff"#, #"\x5cxff"#, #"\\xff"#, #"\xFF"#, #"\x"#, #"\"#, "\u{9B}31m", #"\x9b31m"#, #"\u{9b}31m"#,
      "\u{E9}", "e\u{301}",
      "\u{1B}[31mred", #"\x1b[31mred"#, "two\nlines", #"two\x0alines"#, "\u{202E}gpj.txt",
      "\u{2066}x\u{2069}", "\u{2028}",
      "-", "--", "-o", "--help", "-x", " ", "a b", "::error::owned", "x ::stop-commands::y", "##[error]owned",
      "%0A::error::x",
      "'", "\"", "$(true)", "`true`", "|", "*", "a,line=1,title=b::c", "<img src=x onerror=alert(1)>", "]]>",
      "&amp;", "ok 1 - x",
      "1..0 # SKIP", "# TODO", "@everyone", "\t", "\r", "\u{7F}", "\u{AD}", "\u{FEFF}", "\u{10FFFF}",
      "\u{1F600}", "C:\\x", ".x",
      String(repeating: "n", count: 255),
    ].map { Array($0.utf8) }

  /// Those that would do the most harm; a run for each and every output takes a while.
  private static let worst: [[UInt8]] =
    [[0xFF], [0x61, 0x9B, 0x33, 0x31, 0x6D]]
    + [
      "\u{9B}31m", "\u{1B}[31mred", "two\n::error::owned", "\u{202E}gpj.txt", "\u{2028}", "##[error]owned",
      "::error::x", "\r",
    ].map {
      Array($0.utf8)
    }

  @Test("every path has a name of its own, and the name leads back to it", arguments: names)
  func roundTrip(bytes: [UInt8]) {
    let path = PathName(bytes: bytes)
    #expect(PathName(name: path.name) == path)
    #expect(Self.names.filter { PathName(bytes: $0).name.utf8.elementsEqual(path.name.utf8) }.count == 1)
    // What is text and holds no escape is its own name.
    if let text = String(validating: bytes, as: UTF8.self), !text.contains(#"\x"#) {
      #expect(path.name == text)
    }
    let shown = path.name { $0.properties.generalCategory == .control }
    #expect(PathName(name: shown) == path && !shown.utf8.contains { $0 < 0x20 })
  }

  @Test("names are written as people expect")
  func spelling() {
    #expect(PathName(bytes: [0x61, 0xFF, 0x62]).name == #"a\xffb"#)
    #expect(PathName(#"a\xffb"#).name == #"a\x5cxffb"#)
    #expect(PathName(#"a\xFFb"#).name == #"a\xFFb"#)
    #expect(PathName(bytes: [0x5C, 0xFF]).name == #"\\xff"#)
  }

  @Test("bytes at random: names lead back to their paths")
  func random() {
    var random = SplitMix(state: 9)
    let alphabet = Array(#"\x5c0fF"#.utf8) + [0xFF, 0xC3, 0xA9, 0x80]
    var names: [String: [UInt8]] = [:]
    for _ in 0..<20_000 {
      let bytes = (0..<Int(random.next() % 9)).map { _ in
        alphabet[Int(random.next() % UInt64(alphabet.count))]
      }
      let name = PathName(bytes: bytes).name
      #expect(PathName(name: name).bytes == bytes)
      if let known = names.updateValue(bytes, forKey: name) { #expect(known == bytes) }
    }
  }

  /// A folder with a balanced capture under each of the names.
  private func folder() throws -> CaptureFolder {
    let folder = try CaptureFolder()
    let capture = try Checkout.bytes(CommandTests.fixed)
    for name in Self.names { try capture.write(to: PathName(bytes: Array((folder.path + "/").utf8) + name)) }
    return folder
  }

  @Test("a tree with hostile names is read whole, each file under a name of its own")
  func tree() throws {
    let folder = try folder()
    let run = try CommandRun(["batch", folder.path, "-o", "-"])
    #expect(run.status == 0 && run.complaint.isEmpty)
    let captures = run.output.split(separator: "\n").filter { $0.contains(#""type": "capture""#) }
    let names = try captures.map { line in
      let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(record["verdict"] as? String == "balanced")
      let sources = try #require(record["sources"] as? [[String: Any]])
      let path = try #require(sources[0]["path"] as? String)
      #expect((record["capture_name"] as? String).map { $0.utf8.elementsEqual(path.utf8) } == true)
      return PathName(name: String(path.dropFirst(folder.path.count + 1))).bytes
    }
    // Hidden files are passed over.
    #expect(Set(names) == Set(Self.names.filter { $0.first != 0x2E }) && names.count == Self.names.count - 1)
    let again = try CommandRun(["batch", folder.path])
    #expect(again.status == 0 && again.output.contains("\(names.count) captures: \(names.count) balanced\n"))
    #expect(again.output.split(separator: "\n").filter { $0.hasPrefix("balanced ") }.count == names.count)
    expectHarmless(again)
  }

  @Test("a list of paths may hold any bytes, ended by NUL")
  func list() throws {
    let folder = try folder()
    var list: [UInt8] = []
    for name in Self.names { list += Array((folder.path + "/").utf8) + name + [0] }
    let run = try CommandRun(["batch", "-0", "--from-file", "-"], input: Data(list))
    let count = Self.names.count
    #expect(run.status == 0 && run.output.contains("\(count) captures: \(count) balanced\n"))
    expectHarmless(run)
  }

  @Test(
    "each is read by its name on the command line, and no output says anything in its name", arguments: worst)
  func single(bytes: [UInt8]) throws {
    let folder = try CaptureFolder()
    try Checkout.bytes(CommandTests.probes).write(
      to: PathName(bytes: Array((folder.path + "/").utf8) + bytes))
    // The shell takes arguments as text of Swift, so it builds the name from digits.
    let octal = bytes.map { "\\" + String($0, radix: 8) }.joined()
    for format in ["text", "json", "github", "tap", "junit", "markdown"] {
      let run = try CommandRun(
        script: #"cd "$1"; exec $dmaledger --format "$3" -- "./"$'\#(octal)'"#, [folder.path, "", format])
      #expect(run.status == 1 && run.complaint.isEmpty, "\(run.complaint)")
      expectHarmless(run)
    }
  }

  @Test("a name that cannot be read does no harm in complaints, of whatever kind they are", arguments: worst)
  func complaints(bytes: [UInt8]) throws {
    let octal = bytes.map { "\\" + String($0, radix: 8) }.joined()
    for call in [
      "-- ./NAME/x", "NAME=1 no-such-file", "--format NAME x", "explain NAME", "x -o /no-such-folder/NAME",
      "--NAME x",
      "batch ./NAME/x", "diff ./NAME/x $2", "merge ./NAME/x", "x --field NAME", "x --jobs NAME",
      "x --max-bytes NAME",
      "batch $2 --baseline ./NAME/x", "batch --from-file ./NAME/x", "x --json NAME/ --junit NAME/",
      "batch x --shard NAME",
    ] {
      let script = "cd \"$1\"; $dmaledger " + call.replacing("NAME", with: "$'\(octal)'")
      let run = try CommandRun(script: script, [FileManager.default.temporaryDirectory.path, "/dev/null"])
      #expect(run.status != 0, "\(script)")
      expectHarmless(run)
    }
  }

  /// Nothing that steers a terminal, begins a line with a command to a runner, or turns the order of reading.
  private func expectHarmless(_ run: CommandRun, _ place: SourceLocation = #_sourceLocation) {
    for text in [run.output, run.complaint] {
      let steering = text.unicodeScalars.first { scalar in
        switch scalar.properties.generalCategory {
        case .control: scalar != "\n"
        case .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
      }
      #expect(steering == nil, "\(text.debugDescription.prefix(600))", sourceLocation: place)
      #expect(!text.contains("##["), sourceLocation: place)
      let commands = text.split(separator: "\n").filter { line in
        line.drop { $0 == " " }.hasPrefix("::")
          && !["::error file=", "::warning file=", "::notice file="].contains(where: line.hasPrefix)
      }
      #expect(commands.isEmpty, "\(commands)", sourceLocation: place)
    }
  }
}

extension [UInt8] {
  /// Foundation takes no path that is no text.
  fileprivate func write(to path: PathName) throws {
    let descriptor = unsafe path.withSystemPath { unsafe open($0, O_WRONLY | O_CREAT | O_EXCL, 0o644) } ?? -1
    try #require(descriptor >= 0)
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try file.write(contentsOf: Data(self))
  }
}
