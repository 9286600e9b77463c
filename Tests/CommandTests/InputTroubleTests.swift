import Foundation
import TestSupport
import Testing

/// A script about one kind of trouble, and what shall come of it. `$1` is an empty folder, `$2` a balanced capture and `$3` one
/// with a leak.
struct TroubleCase: Sendable, CustomTestStringConvertible {
  var name: String
  var script: String
  var status: Int32
  /// What standard error or standard output says; nothing else matters where it is absent.
  var says: String?
  /// What is in the folder in the end, where that matters.
  var leaves: [String]?

  init(_ name: String, _ script: String, _ status: Int32, says: String? = nil, leaves: [String]? = nil) {
    self.name = name
    self.script = script
    self.status = status
    self.says = says
    self.leaves = leaves
  }

  var testDescription: String { name }

  func check() throws {
    let folder = try CaptureFolder()
    let run = try CommandRun(script: script, [folder.path, CommandTests.fixed, CommandTests.probes])
    #expect(run.status == status, "\(run.complaint)")
    if let says {
      #expect(
        run.complaint.contains(says) || run.output.contains(says),
        "\(run.complaint)\(run.output.prefix(2000))")
    }
    if let leaves {
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == leaves)
    }
  }
}

@Suite("Files that are no files, change, or are gone")
struct InputTroubleTests {
  private static let special = [
    TroubleCase("a folder", #"$dmaledger "$1""#, 2, says: "is a directory; name the capture inside it"),
    TroubleCase(
      "a link to nothing", #"ln -s gone "$1/link"; $dmaledger "$1/link""#, 2,
      says: "link: is a link to a file that does not exist"),
    TroubleCase(
      "a link to itself", #"ln -s link "$1/link"; $dmaledger "$1/link""#, 2,
      says: "Too many levels of symbolic links"),
    TroubleCase("a way through a file", #"$dmaledger "$2/trace.txt""#, 2, says: "Not a directory"),
    TroubleCase(
      "a name that is too long", #"$dmaledger "$(printf %0300d 0)""#, 2, says: "File name too long"),
    TroubleCase("an empty name", #"$dmaledger ''"#, 2, says: "No such file or directory"),
    TroubleCase("an empty file", #": >"$1/a"; $dmaledger "$1/a""#, 2, says: "a: holds no bytes"),
    TroubleCase(
      "a file that gzip packed", #"gzip -c "$2" >"$1/a"; $dmaledger "$1/a""#, 2,
      says: "a: the file is packed with gzip, which is not read here. Say `zcat FILE | dmaledger -`"),
    TroubleCase(
      "such a file beside a trace", #"gzip -c "$2" >"$1/a"; $dmaledger "$2" "$1/a""#, 3, says: "zcat FILE"),
    TroubleCase(
      "a recording of trace-cmd", #"printf '\27\10Dtracing6\0' >"$1/a"; $dmaledger "$1/a""#, 2,
      says: "trace-cmd report FILE | dmaledger -"),
    TroubleCase(
      "such files among many", #"gzip -c "$2" >"$1/a"; cp "$2" "$1/b"; $dmaledger batch "$1""#, 2,
      says: "a: the file is packed with gzip"),
    TroubleCase("the null device", "$dmaledger /dev/null", 2, says: "/dev/null: holds no bytes"),
    TroubleCase(
      "zeros without end", "$dmaledger /dev/zero --max-bytes 3M", 2,
      says: "/dev/zero: reading stopped at byte 3145728"),
    TroubleCase(
      "a device that reading fails on", "$dmaledger /proc/self/mem", 2,
      says: "/proc/self/mem: reading stopped at byte 0: Input/output error"),
    TroubleCase(
      "a file of /proc that claims to be empty",
      #"X=$'\n'"$(cat "$2")"$'\n' exec $dmaledger /proc/self/environ"#, 0, says: "BALANCED"),
    TroubleCase(
      "a pipe with a name", #"mkfifo "$1/a"; cat "$2" >"$1/a" & $dmaledger "$1/a""#, 0,
      says: "BALANCED"),
    TroubleCase(
      "a pipe that the shell makes", #"$dmaledger <(cat "$2")"#, 0, says: "BALANCED"),
    TroubleCase(
      "no standard input", "$dmaledger - <&-", 2, says: "-: reading stopped at byte 0: Bad file descriptor"),
    TroubleCase(
      "a source that goes on and on, such as trace_pipe",
      #"(cat "$2"; exec sleep 50) | $dmaledger - --max-bytes 20000; s=$?; kill %1 2>/dev/null; exit $s"#, 3,
      says: "reading stopped at byte 20000"),
  ]

  @Test(
    "what is no plain file is read where it can be, and refused in plain words where not", arguments: special)
  func specialFiles(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let trees = [
    TroubleCase(
      "a pipe in a folder", #"mkfifo "$1/pipe"; cp "$2" "$1/a"; $dmaledger batch "$1""#, 0,
      says: "pipe: neither file nor folder"),
    TroubleCase(
      "a pipe for a manifest", #"mkfifo "$1/manifest.json"; cp "$2" "$1/a"; $dmaledger batch "$1""#, 2,
      says: "manifest.json: is no regular file"),
    TroubleCase(
      "a manifest that names a pipe",
      #"mkfifo "$1/a"; echo '{"files": ["a"]}' >"$1/manifest.json"; $dmaledger batch "$1""#, 2,
      says: "a: is no regular file"),
    TroubleCase(
      "a manifest that names a link to a device",
      #"ln -s /dev/zero "$1/a"; echo '{"files": ["a"]}' >"$1/manifest.json"; $dmaledger batch "$1""#, 2,
      says: "a: is no regular file"),
    TroubleCase(
      "a manifest that names a NUL",
      #"cp "$2" "$1/a"; echo '{"files": ["a\u0000b"]}' >"$1/manifest.json"; $dmaledger batch "$1""#, 2,
      says: "holds a NUL"),
    TroubleCase(
      "a pipe in an incident",
      #"mkdir "$1/x.incident"; mkfifo "$1/x.incident/pipe"; cp "$2" "$1/x.incident/a"; $dmaledger batch "$1""#,
      0, says: "pipe: neither file nor folder"),
    TroubleCase(
      "a pipe named by the user is read", #"mkfifo "$1/a"; cat "$2" >"$1/a" & $dmaledger batch "$1/a""#, 0,
      says: "1 capture: balanced"),
    TroubleCase(
      "a file that goes between listing and opening",
      // The pipe is opened once everything is listed, and it is the first in order.
      #"""
      mkfifo "$1/a"; cp "$2" "$1/b"; $dmaledger batch -j 1 "$1/a" "$1/b" & exec 3>"$1/a"
      rm "$1/b"; cat "$2" >&3; exec 3>&-; wait %1
      """#, 2, says: "b: No such file or directory"),
    TroubleCase(
      "a file in whose place a pipe comes",
      #"""
      mkdir "$1/t"; mkfifo "$1/a"; cp "$2" "$1/t/b"; $dmaledger batch -j 1 "$1/a" "$1/t" & exec 3>"$1/a"
      rm "$1/t/b"; mkfifo "$1/t/b"; cat "$2" >&3; exec 3>&-; wait %1
      """#, 2, says: "b: is no regular file"),
    TroubleCase(
      "folders deeper than paths may be long",
      #"""
      cp "$2" "$1/a"; here=$PWD; cd "$1"; name=$(printf %0200d 0)
      for _ in {1..25}; do mkdir $name; cd $name || exit 9; done; cd "$here"; $dmaledger batch "$1"
      """#, 2, says: "2 captures: 1 unreadable, 1 balanced"),
  ]

  @Test("a tree of captures may hold anything, and a run over it neither hangs nor ends", arguments: trees)
  func treeTroubles(_ trouble: TroubleCase) throws { try trouble.check() }

  private static func changing(_ change: String) -> String {
    #"""
    filler=$(printf '# %0100d\n' {1..2000}); { cat "$2"; for _ in {1..100}; do echo "$filler"; done; } >"$1/a"
    $dmaledger "$1/a" & while kill -0 $! 2>/dev/null; do \#(change); done; wait $!
    """#
  }

  private static let changes = [
    TroubleCase(
      "it grows", changing(#"echo '#' >>"$1/a""#), 0, says: "the file got longer while it was read"),
    TroubleCase(
      "it shrinks", changing(#"truncate -s -3000 "$1/a""#), 3, says: "the file got shorter while it was"),
    TroubleCase(
      "it is written over", changing(#"printf '#' | dd of="$1/a" conv=notrunc status=none"#), 3,
      says: "the file was written to while it was read"),
    TroubleCase(
      "another takes its name", changing(#"cp "$2" "$1/b"; mv "$1/b" "$1/a""#), 0,
      says: "BALANCED"),
  ]

  @Test(
    "a file that changes while it is read is noticed, and never proves more than it can", arguments: changes)
  func changingFiles(_ trouble: TroubleCase) throws { try trouble.check() }

  private static let giants = [
    TroubleCase(
      "a line of 256 MB through a pipe",
      #"[[ ${DMALEDGER_SANITIZED-} ]] || ulimit -v 400000; (cat "$2"; head -c 256M /dev/zero | tr '\0' x; echo; cat "$2") | $dmaledger -"#,
      3,
      says: "line 243: a line is longer than 262144 bytes; it was skipped"),
    TroubleCase(
      "a terabyte of zeros, as far as it is wanted",
      // Blocks of RFC 8878: 128 KiB of one byte take four.
      #"""
      [[ ${DMALEDGER_SANITIZED-} ]] || ulimit -v 400000; block='\x02\x00\x10\x00'; blocks=$block; for _ in {1..16}; do blocks+=$blocks; done
      { printf '\x28\xb5\x2f\xfd\x00\x50'; printf "$blocks"; } >"$1/part"
      { cat "$1/part"; for _ in {1..127}; do tail -c +7 "$1/part"; done; } >"$1/a.zst"
      [[ $(stat -c %s "$1/a.zst") == 33554438 ]] || exit 9
      $dmaledger "$1/a.zst" --max-bytes 128M
      """#, 2, says: "a.zst: reading stopped at byte "),
    TroubleCase(
      "a frame with a window of 2 GiB",
      #"printf '\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00#' >"$1/a.zst"; $dmaledger "$1/a.zst""#, 2,
      says:
        "a.zst: the zstd frame at byte 0 asks for a window of 2 GiB; it and what follows were not read. --memory-limit "
        + "allows 128 MiB: say --memory-limit 2G, or decompress it first with zstd -d --long=31"),
    TroubleCase(
      "the same in a run over many",
      #"printf '\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00#' >"$1/a.zst"; cp "$2" "$1/b"; $dmaledger batch "$1""#,
      2,
      says: "asks for a window of 2 GiB"),
    TroubleCase(
      "the same in a comparison",
      #"printf '\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00#' >"$1/a.zst"; $dmaledger diff "$2" "$1/a.zst""#, 125,
      says: "asks for a window of 2 GiB"),
  ]

  @Test("giants are read in bounded memory or refused", arguments: giants)
  func giantFiles(_ trouble: TroubleCase) throws { try trouble.check() }
}
