import DMALedger
import LedgerReports

/// The `manifest.json` of a folder that is one capture:
///
///     {"files": ["trace.txt.zst", {"path": "logs/dmesg.txt", "role": "log"}]}
///
/// Both the list and every `role` are optional. Without `files` all visible files of the folder belong to the capture.
/// A role (`trace`, `log`, `refusal`, `listing`, anything else) is a word to people: what a file is, its content
/// tells. Other members are left to other programs. A path is relative to the folder and does not lead out of it.
struct CaptureManifest {
  static let fileName = PathName("manifest.json")
  private static let longest = 1 << 20

  /// Paths of the files, relative to the folder; `nil` where the manifest does not list any.
  private(set) var files: [String]?

  init(at path: PathName) throws(InputError) {
    let text = try WholeFile.bytes(at: path, limit: Self.longest, onlyFile: true)
    do throws(JSONError) {
      var members = try JSONValue(parsing: text.span).object()
      guard let list = members.take("files") else { return }
      var files: [String] = []
      for value in try list.array() { files.append(try Self.file(value)) }
      self.files = files
    } catch {
      throw InputError(path: path.name, reason: "\(error.message) at byte \(error.offset)")
    }
  }

  private static func file(_ value: JSONValue) throws(JSONError) -> String {
    var place = value
    if case .object = value.kind {
      var members = try value.object()
      if let role = members.take("role") { _ = try role.string() }
      place = try members.need("path")
    }
    let path = try place.string()
    if path.isEmpty || path.hasPrefix("/") || path.split(separator: "/").contains("..") {
      throw JSONError(offset: place.offset, message: "'\(path)' does not lie inside the folder")
    }
    return path
  }
}
