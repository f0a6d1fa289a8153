export { PortSettingError, systemEnvironment, systemParts, type Environment, type Part, type PartName } from './addresses.ts';
export { freePorts, isTaken, takenMessage, takenParts } from './ports.ts';
export { buildWeb, ROOT, startPart, type PartExit, type PartProcess } from './part-process.ts';
export { isReady, untilReady } from './readiness.ts';
export { signInOverHttp, type SignedIn, type SignInOptions } from './sign-in.ts';
export { startSystem, type System, type SystemOptions } from './system.ts';
