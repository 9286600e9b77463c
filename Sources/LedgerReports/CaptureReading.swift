public import DMALedger

extension CaptureRecord {
  /// Reads the files of one capture and judges them. Never fails: what cannot be opened is part of the record.
  ///
  /// - Parameters:
  ///   - files: The files; they are read in the order of their names, so that the order given makes no difference.
  ///   - name: What the capture is called in every output.
  ///   - trouble: What was found unreadable before.
  ///   - onlyFiles: Whether what is no regular file is refused.
  public init(
    reading files: [PathName], name: String, options: Analyzer.Options, trouble: [InputError] = [],
    onlyFiles: Bool = false
  ) {
    var analyzer = Analyzer(options: options)
    let unreadable = trouble + analyzer.read(Self.readingOrder(of: files), onlyFiles: onlyFiles)
    let report = analyzer.finish()
    self.init(id: analyzer.captureID ?? "", name: name, report: report, unreadable: unreadable)
  }

  /// By name, standard input last: what is said does not depend on the order in which files were given.
  public static func readingOrder(of files: [PathName]) -> [PathName] {
    files.sorted { ($0.isStandardStream ? 1 : 0, $0) < ($1.isStandardStream ? 1 : 0, $1) }
  }
}
