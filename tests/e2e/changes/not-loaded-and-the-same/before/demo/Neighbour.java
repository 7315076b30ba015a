package demo;

public class Neighbour {
    static String run() {
        return "here";
    }
}
