import Foundation

/// The recorded captures of the repository.
package enum SampleFiles {
  /// The folder `samples`.
  package static let root: String = {
    let here = URL(fileURLWithPath: #filePath)
    return here.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("samples").path
  }()

  /// The bytes of a sample, named from `samples` on.
  package static func bytes(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: URL(fileURLWithPath: root + "/" + name)))
  }

  /// The plain files of a folder, by name.
  package static func names(in folder: String) -> [String] {
    let found = try? FileManager.default.contentsOfDirectory(atPath: folder)
    return (found ?? []).filter { !$0.hasPrefix(".") }.sorted()
  }

  /// The traces of the recorded incidents, named from `samples` on.
  package static var captures: [String] {
    names(in: root).map { "\($0)/trace.txt" }.filter {
      FileManager.default.fileExists(atPath: "\(root)/\($0)")
    }
  }
}
