import DMALedger

/// Where outputs that point into files say those files are: CI systems place a remark only where the path is one of
/// the repository, relative to its root.
public struct SourceLocator: Sendable {
  /// The root of the checkout, absolute, without a slash at its end; `nil` where there is none.
  public var root: String?
  /// The folder that relative paths start from, as seen from the root; empty where it is the root itself.
  public var folder: String
  /// A file to point at instead of the captures, which are no files of the repository as a rule.
  public var anchor: String?

  /// A locator; without arguments paths stay as they were given.
  public init(root: String? = nil, folder: String = "", anchor: String? = nil) {
    self.root = root
    self.folder = folder
    self.anchor = anchor
  }

  /// A path as seen from the root. Hostile text.
  func path(_ given: String) -> String {
    if given == "-" { return "standard-input" }
    var path = given.utf8[...]
    if let root, !root.isEmpty, path.starts(with: (root + "/").utf8) {
      path = path.dropFirst(root.utf8.count + 1)
    }
    while path.starts(with: "./".utf8) { path = path.dropFirst(2) }
    let isRelative = !given.utf8.starts(with: "/".utf8)
    return (isRelative && !folder.isEmpty ? folder + "/" : "") + String(Substring(path))
  }

  /// What to point at for a line of a report.
  func place(_ at: LineReference?, in capture: CaptureRecord) -> (path: String, line: Int) {
    if let anchor { return (path(anchor), 1) }
    return spot(at, in: capture)
  }

  /// The line itself, whatever the anchor.
  func spot(_ at: LineReference?, in capture: CaptureRecord) -> (path: String, line: Int) {
    guard let at, let path = capture.report.path(of: at.source) else {
      return (self.path(capture.report.path(of: 0) ?? capture.name), 1)
    }
    return (self.path(path), max(1, at.line))
  }

  /// A path, as reports name it, as a URI: relative ones stay relative, absolute ones begin with `file://`.
  static func uri(_ path: String) -> String {
    var encoded = path.hasPrefix("/") ? "file://" : ""
    for byte in PathName(name: path).bytes {
      if isUnreserved(byte) {
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        encoded += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
    return encoded
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"), UInt8(ascii: "/"):
      true
    default: false
    }
  }
}
