interface CertificateSubject {
  /** What it is for: this node's own for clients or for members, or the authority that these must be of. */
  readonly certificate: "client" | "client_ca" | "peer" | "peer_ca";
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

/** A certificate of this node has 30 days left, 7, or one, or is no longer valid: each told once. */
export interface CertificateExpiring extends CertificateSubject {
  readonly type: "certificateExpiring";
  /** Whole days; 0 also for one that is no longer valid. */
  readonly daysLeft: number;
}

/** This node goes by another certificate. */
export interface CertificateRenewed extends CertificateSubject {
  readonly type: "certificateRenewed";
}

export type CertificateFact = CertificateExpiring | CertificateRenewed;
