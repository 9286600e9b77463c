import DMALedger
import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// One capture to be judged: a file, or a folder that holds the files of one incident.
struct CapturePaths: Sendable {
  /// The name of the path given or found, and of the capture in every output.
  var name: String
  var files: [PathName]
  /// Whether the user has named it, and not a folder that holds it: then it may be a pipe or a device.
  var isGiven = false
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
  private var names = NameSet()
  /// What was found in folders and is neither file nor folder.
  private(set) var passedOver: [PathName] = []
  /// Paths that came up more than once; only the first counts.
  private(set) var repeated = 0
  /// Whether a file found in a folder is wanted.
  private let isWanted: (PathName) -> Bool

  init(isWanted: @escaping (PathName) -> Bool = { _ in true }) {
    self.isWanted = isWanted
  }

  /// Adds what a path names, as given by the user.
  mutating func add(_ path: PathName) {
    var bytes = path.bytes[...]
    while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes = bytes.dropLast() }
    let path = PathName(bytes: bytes)
    switch FileKind(at: path) {
    case .folder: addFolder(path)
    case .file, .other:
      // Here `-` is a file of that name.
      let file = path.isStandardStream ? PathName("./-") : path
      note(CapturePaths(name: path.name, files: [file], isGiven: true))
    case .unknown(let reason): note(CapturePaths(name: path.name, files: [], trouble: [reason]))
    }
  }

  private mutating func addFolder(_ path: PathName) {
    let listing = FolderListing(of: path)
    if let trouble = listing.trouble {
      note(CapturePaths(name: path.name, files: [], trouble: [trouble]))
    } else if path.hasSuffix(".incident") || listing.entries.contains(CaptureManifest.fileName) {
      note(incident(path, listing))
    } else {
      for entry in listing.visible {
        let place = join(path, entry)
        switch FileKind(at: place) {
        // A link to a folder may lead back up; a link to a file may not.
        case .folder: if !FileKind.isLink(place) { addFolder(place) }
        case .file: if isWanted(entry) { note(CapturePaths(name: place.name, files: [place])) }
        case .other: passedOver.append(place)
        case .unknown(let reason): note(CapturePaths(name: place.name, files: [], trouble: [reason]))
        }
      }
    }
  }

  private mutating func incident(_ path: PathName, _ listing: FolderListing) -> CapturePaths {
    var capture = CapturePaths(name: path.name, files: [])
    if listing.entries.contains(CaptureManifest.fileName) {
      do {
        let manifest = try CaptureManifest(at: join(path, CaptureManifest.fileName))
        if let files = manifest.files {
          capture.files = files.map { join(path, PathName($0)) }.sorted()
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
  private mutating func collect(_ path: PathName, _ listing: FolderListing, into capture: inout CapturePaths)
  {
    if let trouble = listing.trouble { capture.trouble.append(trouble) }
    for entry in listing.visible where entry != CaptureManifest.fileName {
      let place = join(path, entry)
      switch FileKind(at: place) {
      case .folder:
        if !FileKind.isLink(place) { collect(place, FolderListing(of: place), into: &capture) }
      case .file: capture.files.append(place)
      case .other: passedOver.append(place)
      case .unknown(let reason): capture.trouble.append(reason)
      }
    }
  }

  private mutating func note(_ capture: CapturePaths) {
    guard names.insert(capture.name) else {
      repeated += 1
      return
    }
    captures.append(capture)
  }

  private func join(_ folder: PathName, _ entry: PathName) -> PathName {
    PathName(bytes: (folder.hasSuffix("/") ? folder : folder + "/").bytes + entry.bytes)
  }
}

/// What stands at a path, links followed.
private enum FileKind {
  case file, folder, other
  case unknown(InputError)

  init(at path: PathName) {
    var status = stat()
    // Safe: A C string and a status that live as long as the call.
    guard unsafe path.withSystemPath({ unsafe stat($0, &status) }) == 0 else {
      self = .unknown(InputError(path, code: path.bytes.contains(0) ? EINVAL : errno))
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    default: self = .other
    }
  }

  static func isLink(_ path: PathName) -> Bool {
    var status = stat()
    // Safe: A C string and a status that live as long as the call.
    return unsafe path.withSystemPath { unsafe lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
  }
}

/// The entries of a folder by name.
private struct FolderListing {
  private(set) var entries: [PathName] = []
  private(set) var trouble: InputError?

  init(of path: PathName) {
    // Safe: The folder is open until the end; an entry is copied before the next is asked for, and its name ends in a NUL.
    guard let folder = unsafe path.withSystemPath({ unsafe opendir($0) }) ?? nil else {
      trouble = InputError(path, code: errno)
      return
    }
    defer { unsafe closedir(folder) }
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
        unsafe place.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe PathName(system: $0) }
      }
      if name != PathName("."), name != PathName("..") { entries.append(name) }
    }
    entries.sort()
  }

  var visible: [PathName] { entries.filter { $0.bytes.first != UInt8(ascii: ".") } }
}
