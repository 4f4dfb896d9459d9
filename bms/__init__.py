"""The Lynx Ion BMS in every one of its releases: master and battery modules."""
