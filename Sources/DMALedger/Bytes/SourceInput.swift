/// A source of an incident that has not been opened yet.
package enum SourceInput: Sendable {
  /// A file; `isOnlyFile` refuses what is no regular file.
  case file(PathName, isOnlyFile: Bool)
  /// Bytes that are already in memory, under the name that reports shall give them.
  case bytes([UInt8], name: String)

  func open() throws(InputError) -> OpenedSource {
    switch self {
    case .file(let path, let isOnlyFile): .file(try OpenFile(path: path, onlyFile: isOnlyFile))
    case .bytes(let bytes, let name): .bytes(bytes, name: name)
    }
  }

  /// The same, only to look at it: `nil` of what can be read once, and of what cannot be opened.
  func openToLook() -> OpenedSource? {
    if case .file(let path, _) = self {
      return path.isStandardStream ? nil : try? SourceInput.file(path, isOnlyFile: true).open()
    }
    return try? open()
  }
}

/// The same once it is open.
enum OpenedSource {
  case file(OpenFile)
  case bytes([UInt8], name: String)

  var name: String {
    switch self {
    case .file(let file): file.path
    case .bytes(_, let name): name
    }
  }

  /// What happened to it since it was opened.
  func changeSinceOpened() -> InputIssue? {
    if case .file(let file) = self { file.changeSinceOpened() } else { nil }
  }

  /// All of its bytes.
  func source(limits: ReadingLimits, isHashed: Bool = false, in workspace: Workspace = Workspace())
    -> ByteSource
  {
    var source =
      switch self {
      case .file(let file): ByteSource(file, limits: limits, in: workspace)
      case .bytes(let bytes, let name): ByteSource(bytes: bytes, name: name, limits: limits)
      }
    if isHashed { source.contentHash = ContentHash() }
    return source
  }
}
