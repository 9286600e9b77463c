import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One capture to be judged: a file, or a folder that holds the files of one incident.
struct CapturePaths: Sendable {
  /// The path as given or found; the name of the capture in every output.
  var name: String
  var files: [String]
  /// What keeps some of it from being read, known before anything is opened.
  var trouble: [InputError] = []
}

/// Turns paths into captures.
///
/// A file is a capture. A folder whose name ends in `.incident`, or that holds a `manifest.json`, is one capture of
/// several files. Any other folder is searched for captures, by name; hidden entries, and what is neither file nor
/// folder, are passed over there. A path that cannot be looked at is a capture too, because it must not disappear.
struct CaptureFinder {
  private(set) var captures: [CapturePaths] = []
  private var names: Set<String> = []
  /// Paths that came up more than once; only the first counts.
  private(set) var repeated = 0
  /// Whether a file found in a folder is wanted.
  private let isWanted: (String) -> Bool

  init(isWanted: @escaping (String) -> Bool = { _ in true }) {
    self.isWanted = isWanted
  }

  /// Adds what a path names, as given by the user.
  mutating func add(_ path: String) {
    var path = path[...]
    while path.count > 1, path.last == "/" { path = path.dropLast() }
    let name = String(path)
    switch FileKind(at: name) {
    case .folder: addFolder(name)
    case .file, .other: note(CapturePaths(name: name, files: [name]))
    case .unknown(let reason): note(CapturePaths(name: name, files: [], trouble: [reason]))
    }
  }

  private mutating func addFolder(_ path: String) {
    let listing = FolderListing(of: path)
    if let trouble = listing.trouble {
      note(CapturePaths(name: path, files: [], trouble: [trouble]))
    } else if path.hasSuffix(".incident") || listing.entries.contains(CaptureManifest.fileName) {
      note(incident(path, listing))
    } else {
      for entry in listing.visible {
        let place = join(path, entry)
        switch FileKind(at: place) {
        // A link to a folder may lead back up; a link to a file may not.
        case .folder: if !FileKind.isLink(place) { addFolder(place) }
        case .file: if isWanted(entry) { note(CapturePaths(name: place, files: [place])) }
        case .other: break
        case .unknown(let reason): note(CapturePaths(name: place, files: [], trouble: [reason]))
        }
      }
    }
  }

  private func incident(_ path: String, _ listing: FolderListing) -> CapturePaths {
    var capture = CapturePaths(name: path, files: [])
    if listing.entries.contains(CaptureManifest.fileName) {
      do {
        let manifest = try CaptureManifest(at: join(path, CaptureManifest.fileName))
        if let files = manifest.files {
          capture.files = files.map { join(path, $0) }.sorted(by: isBefore)
          return capture
        }
      } catch {
        capture.trouble.append(error)
      }
    }
    collect(path, listing, into: &capture)
    return capture
  }

  /// All files of an incident without manifest, or with one that names none.
  private func collect(_ path: String, _ listing: FolderListing, into capture: inout CapturePaths) {
    if let trouble = listing.trouble { capture.trouble.append(trouble) }
    for entry in listing.visible where entry != CaptureManifest.fileName {
      let place = join(path, entry)
      switch FileKind(at: place) {
      case .folder:
        if !FileKind.isLink(place) { collect(place, FolderListing(of: place), into: &capture) }
      case .file: capture.files.append(place)
      case .other: break
      case .unknown(let reason): capture.trouble.append(reason)
      }
    }
  }

  private mutating func note(_ capture: CapturePaths) {
    guard names.insert(capture.name).inserted else {
      repeated += 1
      return
    }
    captures.append(capture)
  }

  private func join(_ folder: String, _ entry: String) -> String {
    folder.hasSuffix("/") ? folder + entry : folder + "/" + entry
  }
}

/// Orders names by their bytes: the same everywhere, whatever the locale.
func isBefore(_ left: String, _ right: String) -> Bool {
  left.utf8.lexicographicallyPrecedes(right.utf8)
}

/// What stands at a path, links followed.
private enum FileKind {
  case file, folder, other
  case unknown(InputError)

  init(at path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      self = .unknown(InputError(path: path, reason: systemReason(errno)))
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    default: self = .other
    }
  }

  static func isLink(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}

/// The entries of a folder by name.
private struct FolderListing {
  private(set) var entries: [String] = []
  private(set) var trouble: InputError?

  init(of path: String) {
    guard let folder = unsafe opendir(path) else {
      trouble = InputError(path: path, reason: systemReason(errno))
      return
    }
    defer { unsafe closedir(folder) }
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
        unsafe place.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name != ".", name != ".." { entries.append(name) }
    }
    entries.sort(by: isBefore)
  }

  var visible: [String] { entries.filter { !$0.hasPrefix(".") } }
}
